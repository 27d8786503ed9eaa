#!/bin/sh -e
cd "$(dirname "$0")"
autoreconf -fi

/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge's verdict, for people and for programs. */
#ifndef BUMPWIRE_VERIFY_REPORT_H
#define BUMPWIRE_VERIFY_REPORT_H

#include <stdio.h>

#include "judge.h"

/* 0: all that was expected arrived, once, in order and whole; 1: not so;
 * -EIO (logged): it could not be written. */
int verify_report(const struct judge *judge, struct port *port, bool json,
		  FILE *out);

#endif

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What is printed from tables must stand in the documents as it is printed:
# the options in bumpwire(8), every key in configs/bumpwire.conf. Run with
# --write (make docs) it puts them there.
set -u
src=${abs_top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${abs_top_builddir:-$src}
man=$src/bridge/bumpwire.8
conf=$src/configs/bumpwire.conf
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"$build/tests/print_man" >"$tmp/options" || exit 1
"$build/bridge/bumpwire" --example-config >"$tmp/conf" || exit 1
awk -v options="$tmp/options" '
	/options: end/ { skip = 0 }
	!skip { print }
	/options: begin/ {
		while ((getline line < options) > 0)
			print line
		skip = 1
	}' "$man" >"$tmp/man" || exit 1

if [ "${1-}" = --write ]; then
	cat "$tmp/man" >"$man" && cat "$tmp/conf" >"$conf"
	exit
fi
bad=0
for pair in "$man $tmp/man" "$conf $tmp/conf"; do
	# shellcheck disable=SC2086 # two names
	if ! diff -u $pair; then
		echo "not ok - ${pair%% *} is not what the tables print: make docs"
		bad=1
	fi
done
# Each reason and each signal that the program knows is explained.
for word in $("$build/bridge/bumpwire" --help | grep -o -- '--[a-z-]*' |
	sort -u); do
	escaped=$(printf '%s' "$word" | sed 's/-/\\\\-/g')
	if ! grep -q -e "$escaped" "$man"; then
		echo "not ok - $man does not name $word"
		bad=1
	fi
done
[ $bad = 0 ] && echo "ok - documents are as the tables print them"
exit $bad

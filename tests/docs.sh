#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What is printed from tables must stand in the documents as it is printed:
# the options in the manual pages, every key in configs/bumpwire.conf. Run with
# --write (make docs) it puts them there.
set -u
src=${abs_top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${abs_top_builddir:-$src}
pages='bridge/bumpwire.8 tools/bumpreplay.1 tools/bumpinject.1'
conf=$src/configs/bumpwire.conf
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"$build/bridge/bumpwire" --example-config >"$tmp/conf" || exit 1
# printed PAGE: as it should be, to $tmp/NAME
printed() {
	name=${1##*/}
	"$build/tests/print_man" "${name%.*}" >"$tmp/options" || exit 1
	awk -v options="$tmp/options" '
	/options: end/ { skip = 0 }
	!skip { print }
	/options: begin/ {
		while ((getline line < options) > 0)
			print line
		skip = 1
	}' "$src/$1" >"$tmp/$name" || exit 1
}
for page in $pages; do
	printed "$page"
done

if [ "${1-}" = --write ]; then
	for page in $pages; do
		cat "$tmp/${page##*/}" >"$src/$page"
	done
	cat "$tmp/conf" >"$conf"
	exit
fi
bad=0
# same FILE PRINTED
same() {
	diff -u "$1" "$2" && return
	echo "not ok - $1 is not what the tables print: make docs"
	bad=1
}
same "$conf" "$tmp/conf"
for page in $pages; do
	same "$src/$page" "$tmp/${page##*/}"
done
# No option of --help is missing.
for page in $pages; do
	program=$build/${page%.*}
	for word in $("$program" --help | grep -o -- '--[a-z0-9-]*' |
		sort -u); do
		escaped=$(printf '%s' "$word" | sed 's/-/\\\\-/g')
		grep -q -e "$escaped" "$src/$page" && continue
		echo "not ok - $page does not name $word"
		bad=1
	done
done
[ $bad = 0 ] && echo "ok - documents are as the tables print them"
exit $bad

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What is printed from tables must stand in the documents as it is printed: the
# options and keys in the manual pages and the shells' completions, every key in
# configs/bumpwire.conf. Run with --write (make docs) it puts them there.
set -u
src=${abs_top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${abs_top_builddir:-$src}
pages='bridge/bumpwire.8 tools/bumpctl.1 tools/bumpreplay.1 tools/bumpinject.1'
conf=$src/configs/bumpwire.conf
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# files: a file with a region that is printed, and what prints it
files() {
	for page in $pages; do
		name=${page##*/}
		echo "$page print_man ${name%.*}"
	done
	echo 'bridge/bumpwire.conf.5 print_man bumpwire.conf'
	echo 'configs/bumpwire.bash print_completion bash'
	echo 'configs/_bumpwire print_completion zsh'
}

# printed FILE PRINTER WORD: as it should be, to $tmp/NAME
printed() {
	"$build/tests/$2" "$3" >"$tmp/region" || exit 1
	awk -v region="$tmp/region" '
	/^[.#].*(options|tables): end/ { skip = 0 }
	!skip { print }
	/^[.#].*(options|tables): begin/ {
		while ((getline line < region) > 0)
			print line
		skip = 1
		n++
	}
	END { exit skip || n != 1 }' "$src/$1" >"$tmp/${1##*/}" && return
	echo "not ok - $1 has not one region to print to, from begin to end"
	exit 1
}

"$build/bridge/bumpwire" --example-config >"$tmp/example" || exit 1
files >"$tmp/files"
while read -r file printer word; do
	printed "$file" "$printer" "$word"
done <"$tmp/files"

if [ "${1-}" = --write ]; then
	while read -r file _; do
		cat "$tmp/${file##*/}" >"$src/$file"
	done <"$tmp/files"
	cat "$tmp/example" >"$conf"
	exit
fi
bad=0
# same FILE PRINTED
same() {
	diff -u "$1" "$2" && return
	echo "not ok - $1 is not what the tables print: make docs"
	bad=1
}
same "$conf" "$tmp/example"
while read -r file _; do
	same "$src/$file" "$tmp/${file##*/}"
done <"$tmp/files"
# The example files are such.
sed -n 's/^\.\\" example: //p' "$src/bridge/bumpwire.conf.5" | grep -vx end \
	>"$tmp/examples"
[ -s "$tmp/examples" ] || bad=1
while read -r example; do
	sed -n "/^\.\\\\\" example: $example\$/,/example: end/p" \
		"$src/bridge/bumpwire.conf.5" | grep -v '^\.' >"$tmp/file"
	"$build/bridge/bumpwire" --dump-config -c "$tmp/file" >"$tmp/o" &&
		[ -s "$tmp/o" ] && continue
	echo "not ok - bumpwire.conf.5: the example $example is no configuration"
	bad=1
done <"$tmp/examples"
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

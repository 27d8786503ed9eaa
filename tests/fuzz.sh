#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Fuzz the readers of what others write, with sanitizers, from the corpus on:
# a few seconds each in `make check`, longer by `make fuzz` (SECONDS_EACH=600).
# Skipped where there is no clang with libFuzzer.
set -u
src=${abs_top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${abs_top_builddir:-$src}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# target, what of bridge/ it is made of
targets() {
	# A backslash joins lines: read without -r.
	cat <<'END'
ini ini ini_scan
pcapng pcapng
template template template_build template_layers template_parse template_sum \
	template_value source_template stamp dissect suggest
END
}

flags='-std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined'
flags="$flags -fno-sanitize-recover=all -I$build -I$src/bridge"
echo 'int LLVMFuzzerTestOneInput(const char *p, long n) {
	return !p && n; }' >"$tmp/probe.c"
# shellcheck disable=SC2086 # flags, as words
if ! clang $flags -o "$tmp/probe" "$tmp/probe.c" >"$tmp/log" 2>&1; then
	echo '1..0 # SKIP no clang with libFuzzer here'
	exit 77
fi

bad=0
targets >"$tmp/targets"
# shellcheck disable=SC2162 # on purpose, see above
while read target parts; do
	sources=$src/tests/fuzz_$target.c
	for part in $parts; do
		sources="$sources $src/bridge/$part.c"
	done
	mkdir "$tmp/corpus"
	[ ! -d "$src/tests/corpus/$target" ] ||
		cp "$src/tests/corpus/$target/"* "$tmp/corpus"
	libs=
	[ "$target" != ini ] || libs=-liniparser
	# shellcheck disable=SC2086 # flags and files, as words
	if clang $flags -o "$tmp/fuzz" $sources $libs >"$tmp/log" 2>&1 &&
		"$tmp/fuzz" -max_total_time="${SECONDS_EACH:-3}" -timeout=5 \
			-rss_limit_mb=512 -max_len=16384 \
			-artifact_prefix="$build/" "$tmp/corpus" \
			>"$tmp/log" 2>&1; then
		echo "ok - $target:" "$(grep -o 'Done [0-9]* runs' "$tmp/log")"
	else
		tail -n 40 "$tmp/log"
		echo "not ok - $target"
		bad=1
	fi
	rm -rf "$tmp/corpus"
done <"$tmp/targets"
exit $bad

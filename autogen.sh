#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# ./autogen.sh         make configure, as people expect, and nothing else
# ./autogen.sh demo    install what is missing, build, show bumpwire at work
# ./autogen.sh check   install what is missing, build, run all tests
#
# demo and check want root, for packages and for network namespaces, and build
# in ./_build. CONFIGURE_FLAGS and BUILD choose another build; TESTS some tests.

set -u
export LC_ALL=C
cd "$(dirname "$0")" || exit 1
build=${BUILD:-_build}
log=

# package|what it is for
packages='autoconf|build
automake|build
gcc|build
libc6-dev|build
make|build
pkg-config|build
libnl-3-dev|links
libnl-route-3-dev|links
libpcap-dev|filters
libiniparser-dev|configuration
libjansson-dev|JSON
libcmocka-dev|unit tests
iproute2|namespaces and links
ethtool|offloads
util-linux|namespaces
procps|stories
iputils-ping|demo and stories
tcpdump|demo and stories
tcpreplay|benchmark
netsniff-ng|benchmark
iperf3|demo, stories, benchmark
jq|reading reports
diffutils|stories

say() {
	now=$(date +%s)
	printf '%3d s  %s\n' $((now - started)) "$*"
}

die() {
	printf 'autogen.sh: %s\n' "$*" >&2
	exit 1
}

# quietly WHAT COMMAND...: its output is shown only if it fails
quietly() {
	what=$1
	shift
	say "$what"
	"$@" >"$log" 2>&1 </dev/null && return
	tail -n 40 "$log" >&2
	die "$what: failed"
}

missing() {
	echo "$packages" | while IFS='|' read -r package _; do
		case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
		*' installed') ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

install_packages() {
	wanted=$(missing)
	[ -n "$wanted" ] || return 0
	command -v apt-get >/dev/null ||
		die "no apt-get here; install yourself: $wanted"
	[ "$(id -u)" = 0 ] ||
		die "not root; as root: apt-get install $wanted"
	export DEBIAN_FRONTEND=noninteractive
	quietly 'look up packages' apt-get -q update
	# shellcheck disable=SC2086 # a list
	quietly "install $wanted" apt-get -q -y --no-install-recommends \
		install $wanted
}

make_all() {
	if [ ! -x configure ] || [ configure.ac -nt configure ] ||
		[ Makefile.am -nt Makefile.in ]; then
		quietly 'make configure' autoreconf -fi
	fi
	mkdir -p "$build"
	if [ ! -f "$build/Makefile" ] || [ configure -nt "$build/Makefile" ]; then
		top=$PWD
		# shellcheck disable=SC2086 # flags
		quietly 'configure' sh -c "cd '$build' && '$top/configure' \
			${CONFIGURE_FLAGS:-}"
	fi
	quietly 'build' make -C "$build" -j "$(nproc)" all
	quietly 'build the tests' make -C "$build" -j "$(nproc)" check TESTS=
}

# Automake's own log of each test says how it went.
count() {
	find "$build/tests" -name '*.trs' -newer "$log.before" -exec \
		sed -n 's/^:test-result: //p' {} + | grep -c "^$1"
}

run_tests() {
	touch "$log.before"
	say 'run the tests'
	make -C "$build" check ${TESTS:+TESTS="$TESTS"} </dev/null 2>&1 |
		grep -E '^(PASS|FAIL|SKIP|XPASS|ERROR):'
	passed=$(count PASS)
	failed=$(($(count FAIL) + $(count ERROR) + $(count XPASS)))
	skipped=$(count SKIP)
	for trs in $(find "$build/tests" -name '*.trs' -newer "$log.before" \
		-exec grep -lE '^:test-result: (FAIL|ERROR|XPASS)' {} +); do
		printf '\n==== %s\n' "${trs%.trs}"
		tail -n 60 "${trs%.trs}.log"
	done
	for trs in $(find "$build/tests" -name '*.trs' -newer "$log.before" \
		-exec grep -l '^:test-result: SKIP' {} +); do
		printf 'skipped: %s\n' "${trs%.trs}"
		tail -n 2 "${trs%.trs}.log"
	done
	[ "$passed" -gt 0 ] || failed=$((failed + 1))
	if [ "${CI:-}" = true ] && [ "$skipped" -gt 0 ]; then
		echo 'in CI a test that is skipped has failed'
		failed=$((failed + skipped))
		skipped=0
	fi
	say 'done'
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}

case ${1:-} in
'')
	[ $# = 0 ] || exit 2
	exec autoreconf -fi
	;;
check | demo) ;;
*)
	sed -n 's/^# //p' "$0" | sed -n '/^\.\//p' >&2
	exit 2
	;;
esac
started=$(date +%s)
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.before"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
install_packages
make_all
case $1 in
check) run_tests ;;
demo) abs_top_builddir=$PWD/$build srcdir=$PWD sh tests/demo ;;
esac

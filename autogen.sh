#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# From a checkout to a configure script, a demonstration, or a tested build.
# See usage() below. The environment may ask for another build:
#
#	BUILD            where, default _build
#	CONFIGURE_FLAGS  for configure
#	TESTS            only these, as `make check TESTS=` takes them

usage() {
	cat <<'EOF'
Usage: ./autogen.sh         make the configure script, nothing else
       ./autogen.sh demo    install what is missing, build, and show bumpwire
                            at work between two hosts made of namespaces
       ./autogen.sh check   install what is missing, build, and run the tests

demo and check are for Debian 12 and 13, and want root; they build in ./_build.
EOF
}

# What `demo` and `check` stand on. `need` it must be there; `fuzz` and `bench`,
# what is only compared with, are left out where Debian does not have them.
packages() {
	cat <<'EOF'
need  autoconf            makes configure
need  automake            makes Makefile.in
need  gcc                 compiler
need  make                build
need  libc6-dev           C library
need  pkgconf             finds the libraries below
need  libnl-3-dev         links: netlink
need  libnl-route-3-dev   links: rtnetlink
need  libpcap-dev         filters
need  libiniparser-dev    configuration
need  libjansson-dev      reports for programs
need  zlib1g-dev          captures: .gz
need  libzstd-dev         captures: .zst
need  libbpf-dev          guard, live frames
need  clang               guard, live frames: BPF; fuzzers
need  bpftool             guard, live frames: skeleton
need  libmicrohttpd-dev   metrics by HTTP
need  libseccomp-dev      sandbox: system calls
need  libcap-ng-dev       sandbox: capabilities
need  libncurses-dev      bumpctl top
need  libcmocka-dev       unit tests
need  util-linux          stories: unshare, nsenter
need  mount               stories: a /run of their own
need  procps              stories: sysctl
need  iproute2            stories: hosts and cables
need  ethtool             stories: offloads
need  iputils-ping        stories: ping
need  iperf3              stories: TCP goodput
need  tcpdump             stories: another opinion on filters
need  jq                  stories: reading reports
need  tshark              stories: another opinion on edits
need  gzip                stories: packed captures
need  zstd                stories: packed captures
need  curl                stories: real traffic
need  bind9-dnsutils      stories: dig
need  dnsmasq-base        stories: DNS
need  bsdutils            stories: script, a terminal
need  socat               stories: clients that misbehave
need  strace              stories: a lane that hangs
need  systemd             stories: the unit file
fuzz  libclang-rt-dev     libFuzzer
bench tcpreplay           tcpbridge
bench netsniff-ng         netsniff-ng, trafgen
EOF
}

set -u
unset CDPATH
cd -- "$(dirname -- "$0")" || exit 1
top=$(pwd)
build=${BUILD:-_build}
start=$(date +%s)

# ---- steps ----

say() {
	printf '[%3d s] %s\n' $(($(date +%s) - start)) "$*"
}

die() {
	printf 'autogen.sh: %s\n' "$*" >&2
	exit 1
}

# step WHAT COMMAND...: quietly, unless it fails
step() {
	say "$1"
	step_what=$1
	shift
	"$@" </dev/null >"$log" 2>&1 && return 0
	tail -n 80 "$log" >&2
	die "$step_what: failed: $*"
}

# ---- packages ----

# absent KIND: the packages of this kind that are not installed
absent() {
	packages | while read -r kind name _; do
		[ "$kind" = "$1" ] || continue
		state=$(dpkg-query -W -f '${db:Status-Status}' "$name" \
			2>/dev/null)
		[ "$state" = installed ] || printf '%s ' "$name"
	done
}

install_packages() {
	if ! command -v dpkg-query >/dev/null; then
		say 'not a Debian: trusting that all is installed'
		return
	fi
	need=$(absent need)
	extra=$(absent fuzz)$(absent bench)
	[ -n "$need$extra" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		[ -n "$need" ] || return 0
		die "as root: apt-get install --no-install-recommends $need"
	fi
	export DEBIAN_FRONTEND=noninteractive
	# As words: the list is made of package names.
	# shellcheck disable=SC2086
	{
		say "missing: $need$extra"
		if ! apt-get -q update </dev/null >"$log" 2>&1; then
			tail -n 20 "$log" >&2
			[ -z "$need" ] || die "apt-get update failed (above):" \
				"no network, or no mirror? Needed: $need"
			say 'apt-get update failed: going on without these'
			return 0
		fi
		for name in $extra; do
			if apt-cache show "$name" >"$log" 2>&1; then
				need="$need$name "
			else
				say "$name: not in this Debian, left out"
			fi
		done
		[ -n "$need" ] || return 0
		step 'installing them' apt-get -q -y install \
			-o DPkg::Lock::Timeout=120 \
			--no-install-recommends $need
	}
}

# ---- build ----

# newer FILE THAN...: one of the others is newer, or the file is missing
newer() {
	[ -f "$1" ] || return 0
	newer_file=$1
	shift
	[ -n "$(find "$@" -newer "$newer_file")" ]
}

build_tree() {
	[ ! -f config.status ] || die 'this directory is configured in place,' \
		'so no other build is possible: make distclean first'
	if newer configure configure.ac || newer Makefile.in Makefile.am; then
		step 'making configure' autoreconf -fi
	fi
	mkdir -p "$build" || exit 1
	args="$top/configure ${CONFIGURE_FLAGS:-}"
	if newer "$build/config.status" configure ||
		[ "$(cat "$build/configured" 2>/dev/null)" != "$args" ]; then
		# shellcheck disable=SC2086 # arguments, as words
		step "configuring in $build" in_build $args
		printf '%s\n' "$args" >"$build/configured"
	fi
	step 'compiling' make -C "$build" -j "$(nproc)"
}

in_build() {
	(cd "$build" && "$@")
}

# ---- check ----

# Runs the tests; says each result as it comes. The exit code is make's.
run_tests() {
	find "$build" -name '*.trs' -exec rm -f {} +
	{
		make -C "$build" check-fast ${TESTS:+TESTS="$TESTS"}
		echo $? >"$log.rc"
	} </dev/null 2>&1 | tee "$log" |
		grep -E '^(PASS|FAIL|SKIP|XFAIL|XPASS|ERROR): '
	make_rc=$(cat "$log.rc")
	rm -f "$log.rc"
	return "$make_rc"
}

passed=0
failed=0
skipped=0

# show_log TRS: what the test wrote
show_log() {
	printf '\n---- %s\n' "${1%.trs}.log"
	tail -n 120 "${1%.trs}.log"
	printf '%s\n' '----'
}

# count_result TRS
count_result() {
	case $(sed -n 's/^:test-result: *//p' "$1") in
	PASS | XFAIL)
		passed=$((passed + 1))
		;;
	SKIP)
		case ${CI:-},$1 in
		true,*/net_page.trs) # needs a browser
			skipped=$((skipped + 1))
			;;
		true,*/net_*)
			say "$1: skipped, which is a failure in CI"
			failed=$((failed + 1))
			;;
		*)
			skipped=$((skipped + 1))
			;;
		esac
		show_log "$1"
		;;
	*)
		failed=$((failed + 1))
		show_log "$1"
		;;
	esac
}

check_tree() {
	step 'compiling the tests' make -C "$build" -j "$(nproc)" check TESTS=
	say 'running the tests'
	run_tests
	rc=$?
	results=$(find "$build" -name '*.trs' | sort)
	for trs in $results; do # no blanks in the names of tests
		count_result "$trs"
	done
	if [ "$failed" -eq 0 ] && { [ $rc -ne 0 ] || [ -z "$results" ]; }; then
		tail -n 80 "$log"
		say "make check ended with $rc, and that is no test's doing"
		failed=1
	fi
	say 'done'
	printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
	[ $failed -eq 0 ]
}

# ---- what is asked for ----

prepare() {
	log=$(mktemp) || exit 1
	trap 'rm -f "$log" "$log.rc"' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	install_packages
	build_tree
}

case $#,${1:-} in
0,)
	command -v autoreconf >/dev/null ||
		die 'no autoreconf here: install autoconf, automake and pkgconf'
	exec autoreconf -fi
	;;
1,demo)
	prepare
	step 'compiling wirecheck, which plays the hosts' \
		make -C "$build" tests/wirecheck
	say 'here it is'
	rm -f "$log"
	srcdir=$top abs_top_builddir=$top/$build exec /bin/sh tests/demo
	;;
1,check)
	prepare
	check_tree
	;;
1,-h | 1,--help)
	usage
	;;
*)
	usage >&2
	exit 2
	;;
esac

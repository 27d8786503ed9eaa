# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What every story in tests/net_* stands on. A story sources this file first:
#
#	. "${srcdir:-.}/tests/lib.sh"
#
# and is then run again inside namespaces of its own: network, mounts,
# processes. /run is a private tmpfs there: `ip netns add client` does not
# touch the machine's names, $WORK needs no clean-up, and whatever the story
# started ends with it, even after a kill -9.
#
# topo_wire [MTU] [quiet] makes three hosts on one wire:
#
#	  client                      dut                     server
#	+----------+        +-----------------------+        +----------+
#	|     eth0 |--------| left             right |--------| eth0     |
#	+----------+  veth  +-----------------------+  veth  +----------+
#	198.18.0.1/24        no addresses, no IPv6           198.18.0.2/24
#	fd00:bb::1/64                                        fd00:bb::2/64
#	02:bb:0:0:0:1         :11               :12          02:bb:0:0:0:2
#
# With `quiet` the hosts have no addresses either: every frame is the story's.
#
# Exit codes are automake's: 0 passed, 77 skipped, 1 failed. With CI=true a
# story that cannot run has failed. Output is TAP-like. A story that ends
# without `finish` has failed. BUMPWIRE_KEEP=DIR keeps what lies in $WORK.

set -u
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LIB_STORY=${0##*/}

lib_top=$(cd "${srcdir:-.}" && pwd) || exit 1
lib_build=${abs_top_builddir:-}
[ -n "$lib_build" ] || for lib_build in "$lib_top/_build" "$lib_top"; do
	[ ! -x "$lib_build/bridge/bumpwire" ] || break
done
: "${BUMPWIRE:=$lib_build/bridge/bumpwire}"
: "${WIRECHECK:=$lib_build/tests/wirecheck}"

# ---- saying how it went ----

lib_checks=0
lib_failures=0
lib_finished=

say() {
	printf '# %s\n' "$*"
}

ok() {
	lib_checks=$((lib_checks + 1))
	printf 'ok - %s\n' "$*"
}

not_ok() {
	lib_checks=$((lib_checks + 1))
	lib_failures=$((lib_failures + 1))
	printf 'not ok - %s\n' "$*"
}

# skip REASON: end, for something is missing here. With LIB_OPTIONAL=yes it may
# be missing in CI, too.
skip() {
	lib_finished=yes
	if [ "${CI:-}" = true ] && [ -z "${LIB_OPTIONAL:-}" ]; then
		printf 'not ok - cannot run: %s\n' "$*"
		exit 1
	fi
	printf '1..0 # SKIP %s\n' "$*"
	exit 77
}

# fail WHY [NAME...]: end at once; show what the named processes said.
fail() {
	not_ok "$1"
	shift
	for lib_name in "$@"; do
		show "$lib_name"
	done
	finish
}

# show NAME: what a process said.
show() {
	sed "s/^/#   $1: /" "$WORK/$1.out" "$WORK/$1.err"
}

finish() {
	lib_finished=yes
	printf '1..%d\n' "$lib_checks"
	if [ "$lib_failures" -gt 0 ]; then
		say "$lib_failures of $lib_checks failed"
		exit 1
	fi
	[ "$lib_checks" -gt 0 ] || exit 1
	exit 0
}

# check DESCRIPTION COMMAND...
check() {
	lib_text=$1
	shift
	if "$@" >"$WORK/check.log" 2>&1; then
		ok "$lib_text"
	else
		not_ok "$lib_text (exit $?)"
		sed 's/^/#   /' "$WORK/check.log"
	fi
}

check_eq() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1: got '$2', not '$3'"
	fi
}

lib_compare() {
	case $3 in
	'' | *[!0-9-]*) not_ok "$1: '$3' is no number" ;;
	*)
		if test "$3" "$2" "$4"; then
			ok "$1 ($3)"
		else
			not_ok "$1: $3 is not $2 $4"
		fi
		;;
	esac
}

# check_ge DESCRIPTION GOT LEAST, check_le DESCRIPTION GOT MOST: whole numbers
check_ge() {
	lib_compare "$1" -ge "$2" "$3"
}

check_le() {
	lib_compare "$1" -le "$2" "$3"
}

# ---- namespaces of our own ----

# running PID: it is there, and no zombie.
running() {
	read -r lib_stat 2>/dev/null <"/proc/$1/stat" || return 1
	case $lib_stat in
	*') Z '*) return 1 ;;
	esac
}

# This process only waits for the story, which is process 1 in there. A signal
# ends that one, and with it all that runs there, at once; so does its own end.
lib_abort() {
	trap '' HUP INT TERM
	lib_story=
	read -r lib_story _ <"/proc/$lib_child/task/$lib_child/children"
	kill -s KILL "$lib_child"
	wait "$lib_child"
	lib_tries=250
	while [ -n "$lib_story" ] && running "$lib_story" &&
		[ $((lib_tries -= 1)) -gt 0 ]; do
		sleep 0.02
	done
	exit "$1"
}

if [ "${BUMPWIRE_INSIDE:-}" != "$0" ]; then
	# setsid: Ctrl-C on the terminal is for this process alone.
	lib_unshare='setpriv --pdeathsig KILL -- setsid unshare --net --mount'
	lib_unshare="$lib_unshare --pid --fork --kill-child --mount-proc"
	lib_unshare="$lib_unshare --propagation private"
	[ "$(id -u)" = 0 ] || lib_unshare="$lib_unshare --map-root-user"
	lib_why=$($lib_unshare -- mount -t tmpfs tmpfs /run 2>&1) ||
		skip "no namespaces of our own here: $lib_why"
	trap 'lib_abort 129' HUP
	trap 'lib_abort 130' INT
	trap 'lib_abort 143' TERM
	export BUMPWIRE_INSIDE="$0"
	$lib_unshare -- /bin/sh "$0" "$@" &
	lib_child=$!
	wait $lib_child
	exit $?
fi

lib_end() {
	lib_rc=$?
	trap - EXIT
	[ -z "${BUMPWIRE_KEEP:-}" ] || cp -R "$WORK" "$BUMPWIRE_KEEP"
	[ -n "$lib_finished" ] || printf 'not ok - ended early (%d)\n' $lib_rc
	[ -n "$lib_finished" ] || [ $lib_rc -ne 0 ] || lib_rc=1
	exit $lib_rc # and whatever still runs ends with process 1
}

trap lib_end EXIT
unset BUMPWIRE_INSIDE
WORK=/run/$LIB_STORY
mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p "$WORK" /run/netns || exit 1

# Root of the machine, and not of a user namespace with one user in it, where
# tcpdump cannot change to its own user and BPF is refused.
is_root() {
	grep -q ' 4294967295$' /proc/self/uid_map
}

# ---- processes ----

# Hundredths of a second, in lib_now.
lib_clock() {
	read -r lib_now _ </proc/uptime
	lib_now=${lib_now%.*}${lib_now#*.}
}

# wait_for SECONDS CONDITION: until the condition, a command line, holds.
wait_for() {
	lib_clock
	lib_until=$((lib_now + $1 * 100))
	until eval "$2"; do
		lib_clock
		[ "$lib_now" -lt "$lib_until" ] || return 1
		sleep 0.02
	done
}

inside() {
	lib_ns=$1
	shift
	nsenter --net="/run/netns/$lib_ns" -- "$@"
}

in_client() {
	inside client "$@"
}

in_dut() {
	inside dut "$@"
}

in_server() {
	inside server "$@"
}

# spawn NAME HOST COMMAND...: in the background, on that host; stdout and
# stderr go to $WORK/NAME.out and .err.
spawn() {
	lib_name=$1
	lib_ns=$2
	shift 2
	# Empty before the process is there: what it said last time is no news.
	: >"$WORK/$lib_name.out"
	: >"$WORK/$lib_name.err"
	nsenter --net="/run/netns/$lib_ns" -- "$@" </dev/null \
		>"$WORK/$lib_name.out" 2>"$WORK/$lib_name.err" &
	printf '%d\n' $! >"$WORK/$lib_name.pid"
}

pid() {
	cat "$WORK/$1.pid"
}

alive() {
	running "$(pid "$1")"
}

# join NAME [SECONDS]: wait for its end, leave its exit code in $rc. One that
# does not end in time is killed, and its code is 124.
join() {
	read -r lib_joined <"$WORK/$1.pid"
	wait_for "${2:-10}" "! alive $1" || {
		kill -s KILL "$lib_joined"
		wait "$lib_joined"
		rc=124
		return 0
	}
	rc=0
	wait "$lib_joined" || rc=$?
}

# stop NAME [SIGNAL] [SECONDS]: the same, after a signal.
stop() {
	kill -s "${2:-TERM}" "$(pid "$1")" 2>/dev/null
	join "$1" "${3:-10}"
}

# said NAME TEXT: it is on the process's stderr by now.
said() {
	grep -q -e "$2" "$WORK/$1.err"
}

# await NAME TEXT [SECONDS]: until it says so; the story fails if it does not.
await() {
	wait_for "${3:-10}" "said $1 '$2' || ! alive $1"
	said "$1" "$2" || fail "$1 never said '$2'" "$1"
}

# ---- the wire ----

# lib_host NAME [quiet]: a host whose interfaces, all yet to come, are silent.
lib_host() {
	ip netns add "$1" || fail "host $1"
	ip -n "$1" link set lo up
	[ "${2:-}" = quiet ] || return 0
	inside "$1" sh -c 'cd /proc/sys/net/ipv6/conf 2>/dev/null || exit 0
		echo 1 >default/disable_ipv6' || fail "host $1: IPv6 off"
}

# lib_cable HOST MAC PORT PORT-MAC MTU
lib_cable() {
	ip -n dut link add "$3" address "$4" mtu "$5" type veth \
		peer name eth0 address "$2" mtu "$5" netns "$1" ||
		fail "cable from $1 to $3"
	ip -n dut link set "$3" up
	ip -n "$1" link set eth0 up
}

# link_up HOST PORT: as the kernel sees it, and ready to send.
link_up() {
	ip -n "$1" -br link show dev "$2" | grep -q " UP "
}

topo_wire() {
	lib_host client "${2:-}"
	lib_host server "${2:-}"
	lib_host dut quiet
	# The addresses are those of wirecheck_frame.c, too.
	lib_cable client 02:bb:00:00:00:01 left 02:bb:00:00:00:11 "${1:-1500}"
	lib_cable server 02:bb:00:00:00:02 right 02:bb:00:00:00:12 "${1:-1500}"
	wait_for 10 'link_up client eth0 && link_up dut left &&
		link_up dut right && link_up server eth0' ||
		fail 'the cables never came up'
	[ "${2:-}" != quiet ] || return 0
	ip -n client addr add 198.18.0.1/24 dev eth0
	ip -n server addr add 198.18.0.2/24 dev eth0
	ip -n client addr add fd00:bb::1/64 dev eth0 nodad
	ip -n server addr add fd00:bb::2/64 dev eth0 nodad
}

# offloads on|off: of all four ports
offloads() {
	for lib_port in client:eth0 dut:left dut:right server:eth0; do
		inside "${lib_port%:*}" ethtool -K "${lib_port#*:}" tx "$1" \
			sg "$1" tso "$1" gso "$1" gro "$1" >/dev/null ||
			fail "offloads $1 on $lib_port"
	done
}

# ---- bumpwire on the wire ----

# bumpwire_start NAME ARGUMENT...: on dut, until it is ready.
bumpwire_start() {
	lib_bridge=$1
	shift
	spawn "$lib_bridge" dut "$BUMPWIRE" "$@"
	await "$lib_bridge" '^bumpwire: ready'
}

# bumpwire_stop NAME [SIGNAL]: the exit code is in $bumpwire_rc, the report in
# $WORK/NAME.out.
bumpwire_stop() {
	stop "$1" "${2:-TERM}"
	# shellcheck disable=SC2034 # for the story
	bumpwire_rc=$rc
}

# json NAME PATH: from the --json report, as jq names it: .pairs[0].lanes.left
json() {
	jq -rs "map(select(.event == \"report\")) | last | $2" "$WORK/$1.out"
}

# need_guard: where BPF cannot be loaded there is nothing to see. After
# topo_wire.
need_guard() {
	spawn probe dut "$BUMPWIRE" --on-fail bypass left right
	wait_for 10 "said probe '^bumpwire: ready' || ! alive probe"
	! said probe 'built without BPF\|not allowed to load BPF' ||
		skip "no guard here: $(tail -n 1 "$WORK/probe.err")"
	said probe '^bumpwire: ready' || fail 'no guard' probe
	stop probe
}

# ---- frames on the wire ----

# listen NAME HOST WORD...: `wirecheck WORD...` in the background, listening.
listen() {
	lib_listener=$1
	lib_ns=$2
	shift 2
	spawn "$lib_listener" "$lib_ns" "$WIRECHECK" "$@"
	await "$lib_listener" listening
}

# hear_out NAME...: who listens, once nobody sends any more. (Ending by --idle
# takes a sender that a busy machine has forgotten for one that is done.)
hear_out() {
	for lib_listener; do
		stop "$lib_listener" TERM 35
	done
}

# super_kinds: of super-frames, those that this kernel takes from a packet socket
# (net/packet/af_packet.c; UDP since 6.2).
super_kinds() {
	uname -r | awk -F '[.-]' '{
		print "tcp4 tcp6" ($1 * 1000 + $2 >= 6002 ? " udp4 udp6" : "")
	}'
}

# arrived HOST: frames, since its interface was made, as that counts.
arrived() {
	ip -n "$1" -s -j link show dev eth0 | jq '.[0].stats64.rx.packets'
}

# figure NAME KEY: from the results of a `listen` or a `spawn`.
figure() {
	tr ' ' '\n' <"$WORK/$1.out" | sed -n "s/^$2=//p" | tail -n 1
}

# check_whole DESCRIPTION NAME N: the receiver got N frames, and all is well.
check_whole() {
	check_eq "$1" "$(sed 's/ foreign=[0-9]*//; s/ expected=.*//' \
		"$WORK/$2.out")" "delivered=$3 duplicated=0 reordered=0 \
corrupted=0 lost=0 kernel_drops=0"
}

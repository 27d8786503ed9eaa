#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The house keeps its shape: a file includes only headers of its own floor or
# below, each library has one file that knows it, rooms stay small. Prints each
# violation; a file of bridge/ that stands on no floor is one, too.

set -u
cd "${abs_top_srcdir:-$(dirname "$0")/..}" || exit 1

floors() {
	cat <<'EOF2'
0 base log clock suggest
1 frame stats
2 port packet_socket rx_ring tx tx_direct tx_ring port_packet
2 link link_table offload lro_record stage filter
3 lane
4 ini ini_scan conf conf_check conf_print conf_read conf_value
4 options options_help bridge bridge_check report report_json control
5 main
EOF2
}

# What only these files may include.
owners() {
	cat <<'EOF2'
netlink/|link link_table
linux/rtnetlink.h|link
linux/if_packet.h|packet_socket rx_ring tx_ring tx_direct
linux/ethtool.h|offload
pcap|filter
iniparser|ini
jansson.h|report_json
EOF2
}

violations=0

complain() {
	echo "$1"
	violations=$((violations + 1))
}

name_of() {
	base=${1##*/}
	echo "${base%.[ch]}"
}

floor_of() {
	floors | awk -v name="$1" '{
		for (i = 2; i <= NF; i++) if ($i == name) { print $1; exit } }'
}

# is_in WORD LIST
is_in() {
	case " $2 " in *" $1 "*) return 0 ;; esac
	return 1
}

check_includes() {
	name=$(name_of "$1")
	floor=$(floor_of "$name")
	[ -n "$floor" ] || { complain "$1: stands on no floor" && return; }
	for header in $(sed -n 's/^#include "\(.*\)\.h"$/\1/p' "$1"); do
		[ "$header" != config ] || continue
		below=$(floor_of "$header")
		[ -n "$below" ] && [ "$below" -le "$floor" ] ||
			complain "$1: floor $floor includes $header.h of floor ${below:-?}"
		case $name in
		stage | filter) is_in "$header" 'port lane' &&
			complain "$1: a stage knows no port: $header.h" ;;
		port* | rx_ring | tx*) is_in "$header" 'stage filter lane' &&
			complain "$1: a port knows no stage: $header.h" ;;
		esac
	done
	while IFS='|' read -r what who; do
		grep -q "^#include <$what" "$1" && ! is_in "$name" "$who" &&
			complain "$1: includes <$what...>, which is for: $who"
	done <<EOF2
$(owners)
EOF2
}

# Lines of a file, and of its longest function: from a brace in the first
# column to the next closing one.
check_sizes() {
	lines=$(wc -l <"$1")
	[ "$lines" -le "$2" ] || complain "$1: $lines lines, more than $2"
	long=$(awk '/^\{/ { start = NR }
		/^\}/ && start { if (NR - start > 70) print start; start = 0 }' "$1")
	[ -z "$long" ] || complain "$1:$long: a function of more than 70 lines"
	inside=$(awk '/^\{/ { body = 1 } /^\}/ { body = 0 }
		/^#[ \t]*(if|else|endif)/ && body { print NR }' "$1")
	[ -z "$inside" ] || complain "$1:$inside: preprocessor inside a function"
}

for file in bridge/*.[ch]; do
	check_includes "$file"
	check_sizes "$file" 450
done
for file in bridge/*.c tests/*.c; do
	first=$(sed -n 's/^#include //p' "$file" | head -n 1)
	[ "$first" = '"config.h"' ] ||
		complain "$file: includes $first before config.h"
done
for file in bridge/*.[ch] tests/*.[ch] tests/*.sh tests/net_* tests/demo \
	tests/bench autogen.sh .ci/run; do
	[ -f "$file" ] || continue
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' ||
		complain "$file: says no licence"
	bad=$(grep -nE '[[:space:]]+$' "$file" | head -n 1)
	[ -z "$bad" ] || complain "$file:${bad%%:*}: blanks at the end of a line"
done
for file in tests/net_*; do # a story in the harness's story may hang
	bad=$(grep -nE '^[[:space:]]*sleep [0-9.]*$' "$file" | head -n 1)
	[ "$file" != tests/net_harness ] || continue
	[ -z "$bad" ] || complain "$file:${bad%%:*}: sleeps; wait for an event"
done
[ $violations = 0 ] && echo 'ok - the house keeps its shape'
[ $violations = 0 ]

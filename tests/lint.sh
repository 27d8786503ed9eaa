#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The house keeps its shape: a file includes only headers of its own floor or
# below, each library has one file that knows it, rooms stay small, and what
# people read is neat. Prints each violation as file:line; a file of bridge/
# that stands on no floor is one, too.

set -u
LC_ALL=C # awk counts bytes then, whichever awk it is
export LC_ALL
cd "${abs_top_srcdir:-$(dirname "$0")/..}" || exit 1

# floor N: these stand there. only WHAT: these alone include <WHAT...>.
tables() {
	cat <<'EOF2'
floor 0 base be log clock suggest units rng request_list
floor 1 frame pool stats quota propagation hist pace ranges stamp dissect checksum segment
floor 1 codel jitter tunnel capture_blocks
floor 1 capture_record pcapng talk
floor 1 template template_build template_layers template_parse template_sum
floor 1 template_value
floor 2 port packet_socket rx_ring tx tx_direct tx_ring port_packet
floor 2 link link_ask link_facts link_table link_tc offload offload_facts packet_diag
floor 2 tap tap_batch tap_dev tap_file tap_folder tap_health tap_link tap_name
floor 2 tap_params tap_sink tap_stream tap_target tap_vxlan
floor 2 cut impair impair_draw impair_parse delay delay_parse rate rate_parse
floor 2 stage_params link_route
floor 2 state_dir port_record stage filter filter_file edit edit_parse
floor 2 stream pcap_file capture capture_write judge split reel
floor 2 source source_capture source_template
floor 2 guard guard_before guard_none guard_rules guard_rules.bpf guard_state
floor 2 guard.bpf guard.skel
floor 2 live live_none live_params live.bpf live.skel
floor 3 lane lane_thread feed tap_writer
floor 4 ini ini_scan conf conf_check conf_diff conf_keys conf_print conf_read
floor 4 conf_set conf_value
floor 4 bridge bridge_ask bridge_change bridge_check bridge_claim bridge_guard
floor 4 bridge_links bridge_port bridge_propagate bridge_stages bridge_taps
floor 4 doctor doctor_look doctor_link doctor_offload doctor_host doctor_tap
floor 4 doctor_queue doctor_machine doctor_proc doctor_fix doctor_record
floor 4 about conf_manual
floor 4 metrics metrics_sample metrics_write web web_address page_html server notify privilege
floor 4 sandbox sandbox_landlock sandbox_syscalls
floor 4 requests requests_filter requests_set requests_show
floor 4 requests_tap requests_tap_read server_socket
floor 4 control_apply control_guards control_pairs control_services control_state
floor 4 events options options_help report report_json control
floor 4 args manual watch sender send_options send_report send_report_json
floor 5 main
only netlink/ link.c link_ask.h packet_diag.c
only linux/netlink.h link.c sandbox_syscalls.c
only linux/rtnetlink.h link.c link_facts.c link_route.c link_tc.c
only linux/if_packet.h packet_socket.c port_packet.c rx_ring.c rx_ring.h
only linux/if_packet.h tx_direct.c tx_ring.c
only linux/ethtool.h offload.c offload_facts.c sandbox_syscalls.c
only microhttpd.h web.c
only seccomp.h sandbox_syscalls.c
only cap-ng.h privilege.c
only linux/landlock.h sandbox_landlock.c doctor_machine.c
only pcap.h filter.c filter_file.c pcap_file.c
only pcap/ filter.c filter_file.c pcap_file.c
only bpf/ live.c live.bpf.c guard.c guard_before.c guard.bpf.c guard_rules.bpf.h
only zlib.h stream.c
only zstd.h stream.c
only iniparser ini.c
only jansson about.c events.c report_json.h requests.h requests.c
only jansson ctl_client.h top_view.h
only curses.h top_screen.c top_terminal.c
only term.h top_terminal.c
only jansson report_json.c send_report_json.c replay_plan.c verify_report.c
EOF2
}

# The first line of a script, or nothing.
shebang() {
	IFS= read -r line <"$1"
	case $line in '#!'*) echo "$line" ;; esac
}

# What people write: a build in this directory leaves other files beside it.
files() {
	for file in bridge/* tools/* tests/* configs/* autogen.sh .ci/* \
		Makefile.am configure.ac; do
		[ -f "$file" ] || continue
		case ${file##*/} in
		*.[ch] | *.[1-8] | *.sh | *.awk | *.conf | *.am | *.ac) ;;
		*.*) continue ;;
		*) [ -n "$(shebang "$file")" ] || continue ;;
		esac
		echo "$file"
	done
}

check_text() {
	awk '
	function complain(line, what) {
		print file ":" line ": " what
		violations++
	}

	function stem_of(path) {
		sub(/^.*\//, "", path)
		sub(/\.[^.]*$/, "", path)
		return path
	}

	function floor_of(path) {
		if (path ~ /^tools\//)
			return 5
		return stem_of(path) in floor ? floor[stem_of(path)] : ""
	}

	function is_stage(stem) {
		return stem ~ /^(stage|filter|edit|cut|impair|delay|rate|tap)$/
	}

	function is_port(stem) {
		return stem ~ /^(packet_socket|port.*|rx_ring|tx.*)$/
	}

	# A header of ours, found where the compiler would find it.
	function check_own(path, me,    it, below) {
		it = stem_of(path)
		below = (it in floor) ? floor[it] : floor_of(path)
		if (below == "" && ("tools/" path) in known)
			below = 5
		if (floor_of(file) != "" &&
		    (below == "" || below > floor_of(file)))
			complain(n, "floor " floor_of(file) " includes " path \
				", of floor " (below == "" ? "?" : below))
		if (is_stage(me) && is_port(it))
			complain(n, "a stage knows no port: " path)
		if (is_port(me) && is_stage(it))
			complain(n, "a port knows no stage: " path)
	}

	function check_include(path, own,    i, me) {
		me = file
		sub(/^.*\//, "", me)
		for (i = 1; i <= n_only; i++)
			if (index(path, only[i]) == 1 &&
			    !((only[i], me) in may))
				complain(n, "includes " path ", which is for: " \
					who[only[i]])
		if (own || stem_of(path) in floor && path !~ /\//)
			check_own(path, stem_of(file))
	}

	# From a brace in the first column to the next closing one.
	function check_shape(line) {
		if (line ~ /^\{/)
			start = n
		if (start && line ~ /^[ \t]*#[ \t]*if/)
			complain(n, "preprocessor inside a function")
		if (start && line ~ /^\}/) {
			most = file ~ /^tests\// ? 120 : 70 # tables of tests are long
			if (n - start + 1 > most)
				complain(start, "a function of " \
					n - start + 1 " lines, more than " most)
			start = 0
		}
	}

	function check_c(line,    path, own) {
		check_shape(line)
		if (line !~ /^[ \t]*#[ \t]*include[ \t]*["<]/)
			return
		own = line ~ /^[^<]*"/
		path = line
		sub(/^[^"<]*["<]/, "", path)
		sub(/[">].*$/, "", path)
		if (file ~ /\.c$/ && !n_includes++ && path != "config.h" &&
		    file !~ /\.bpf\.c$/) # the kernel has no config.h
			complain(n, "includes " path " before config.h")
		if (file ~ /^(bridge|tools)\// && path != "config.h")
			check_include(path, own)
	}

	function columns(line,    part, parts, i, width) {
		gsub(/[\200-\277]/, "", line) # one column a UTF-8 character
		parts = split(line, part, "\t")
		for (i = 1; i <= parts; i++) {
			width += length(part[i])
			if (i < parts)
				width += 8 - width % 8
		}
		return width
	}

	# Manual pages and the example have lines printed from the tables.
	function check_line(line) {
		if (line ~ /[ \t\r]$/)
			complain(n, "blanks at the end of a line")
		if (line ~ / \t/)
			complain(n, "a blank before a tab")
		if (file !~ /\.([1-8]|conf)$/ && columns(line) > 100)
			complain(n, columns(line) " columns, more than 100")
		if (n <= 3 && line ~ /SPDX-License-Identifier: BSD-2-Clause/)
			licence = 1
	}

	# A story waits for what it needs, not for a time that might do. Those
	# in the story of the harness are there to hang.
	function check_story(line) {
		if (file != "tests/net_harness" && line !~ /^[ \t]*#/ &&
		    line ~ /(^|[^A-Za-z0-9_-])sleep[ \t]/ &&
		    line !~ /# why: [^ ]/)
			complain(n, "sleeps; wait for an event, or end the " \
				"line with # why: ...")
	}

	function check_file(    line, result) {
		n = start = licence = n_includes = 0
		if (file ~ /^bridge\/.*\.[ch]$/ && floor_of(file) == "")
			complain(1, "stands on no floor")
		while ((result = (getline line < file)) > 0) {
			n++
			check_line(line)
			if (file ~ /\.[ch]$/)
				check_c(line)
			if (file ~ /^tests\/net_/)
				check_story(line)
		}
		close(file)
		if (result < 0)
			complain(1, "cannot be read")
		if (file ~ /^(bridge|tools)\/.*\.[ch]$/ && n > 450)
			complain(451, n " lines, more than 450")
		if (file ~ /\.c$/ && !n_includes)
			complain(1, "does not include config.h")
		if (file !~ /\.(conf|am|ac)$/ && !licence)
			complain(1, "says no licence")
	}

	$1 == "floor" {
		for (i = 3; i <= NF; i++)
			floor[$i] = $2
	}
	$1 == "only" {
		if (!($2 in who))
			only[++n_only] = $2
		for (i = 3; i <= NF; i++) {
			may[$2, $i] = 1
			who[$2] = who[$2] " " $i
		}
	}
	$1 == "file" {
		known[$2] = 1
		name[++n_names] = $2
	}
	END {
		for (i_name = 1; i_name <= n_names; i_name++) {
			file = name[i_name]
			check_file()
		}
		exit (violations > 0)
	}'
}

check_shell() {
	shell='sh'
	case $(shebang "$1") in
	*bash*) shell=bash ;;
	'' | *sh*) ;;
	*) return 0 ;;
	esac
	command -v $shell >/dev/null || return 0
	error=$($shell -n "$1" 2>&1) && return
	at=$(echo "$error" | sed -n 's/^[^:]*: [a-z ]*\([0-9]*\):.*/\1/p' |
		head -n 1)
	echo "$1:${at:-1}: does not parse: $error"
	return 1
}

names=$(files)
rc=0
case $names in
*bridge/*) ;;
*) echo "$PWD:1: no bridge/ to look at" && rc=1 ;;
esac
{
	tables
	echo "$names" | sed 's/^/file /'
} | check_text || rc=1
for file in $names; do
	case ${file##*/} in
	*.sh) check_shell "$file" || rc=1 ;;
	*.*) ;;
	*) check_shell "$file" || rc=1 ;;
	esac
done
[ $rc = 0 ] && echo 'ok - the house keeps its shape'
exit $rc

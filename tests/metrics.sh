#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The dashboard and the alerts in configs/ name metrics that exist, by labels
# that these have. Where promtool is, it reads the rules and the text, too.
set -u
LC_ALL=C
export LC_ALL
src=${abs_top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${abs_top_builddir:-$src}
dashboard=${1:-$src/configs/bumpwire-grafana.json}
alerts=${2:-$src/configs/bumpwire-alerts.yml}
print=${PRINT_METRICS:-$build/tests/print_metrics}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0

complain() {
	echo "not ok - $*"
	bad=1
}

"$print" >"$tmp/list" || exit 1

# A line each: where, the expression, and what is written of its result, with a
# tab between them.
panels() {
	jq -r '
		def line(where; expr; said): [where, expr, said] |
			map(gsub("[\t\n]"; " ")) | join("\t");
		(.panels[] | .title as $title | .targets[]? |
			line($title; .expr; .legendFormat)),
		(.templating.list[] | select(.type == "query") |
			line("variable " + .name; .query.query; "")),
		(.annotations.list[] | select(.expr) |
			line("annotation " + .name; .expr; .titleFormat))
	' "$1"
}

alerts() {
	awk '
	function flush() {
		if (name != "")
			print name "\t" expr "\t" said
		name = expr = said = ""
	}
	/^ *#/ { next }
	{ gsub(/\t/, " ") }
	/^ *- alert:/ {
		flush()
		name = $3
		next
	}
	/^ *[a-z]+:/ { in_expr = /^ *expr:/ }
	in_expr { sub(/^ *(expr: *(>-)?)? */, ""); expr = expr " " $0 }
	!in_expr { said = said " " $0 }
	END { flush() }' "$1"
}

panels "$dashboard" >"$tmp/dashboard" || complain "$dashboard: no such panels"
alerts "$alerts" >"$tmp/alerts"

# known FILE: complains of what the list does not know
known() {
	awk -F '\t' -v file="${1##*/}" '
	function complain(what) {
		print "not ok - " file ": " $1 ": " what
		bad = 1
	}
	function has(metric, label) {
		return label ~ /^(job|instance)$/ || (metric, label) in labels
	}
	# Some metric of this line has it.
	function check_any(label,    metric) {
		for (metric in here)
			if (has(metric, label))
				return
		complain("no metric has a label " label)
	}
	# {label=..., label=...} behind a metric; values are taken out before
	function check_matchers(metric, text,    part, n, i) {
		n = split(text, part, ",")
		for (i = 1; i <= n; i++) {
			gsub(/^ +|[ =~!]+$/, "", part[i])
			if (!has(metric, part[i]))
				complain(metric " has no label " part[i])
		}
	}
	function check_metrics(text,    metric, n) {
		gsub(/"[^"]*"/, "", text)
		while (match(text, /(bumpwire|node)_[a-zA-Z0-9_:]+/)) {
			metric = substr(text, RSTART, RLENGTH)
			text = substr(text, RSTART + RLENGTH)
			if (!(metric in is_metric))
				complain("no such metric: " metric)
			here[metric] = 1
			n = index(text, "}")
			if (substr(text, 1, 1) == "{")
				check_matchers(metric, substr(text, 2, n - 2))
			uses++
		}
	}
	# by (label, label) and its like; label_values(metric, label)
	function check_lists(text,    list, part, n, i) {
		gsub(/"[^"]*"/, "", text)
		gsub(/[{][^}]*[}]/, "", text)
		sub(/label_values[(][^,]*,/, "by (", text)
		gsub(/(on|without|ignoring|group_left|group_right) *[(]/, "by (",
			text)
		while (match(text, /by *[(][^)]*[)]/)) {
			list = substr(text, RSTART, RLENGTH - 1)
			text = substr(text, RSTART + RLENGTH)
			sub(/^[^(]*[(]/, "", list)
			n = split(list, part, /[ ,]+/)
			for (i = 1; i <= n; i++)
				if (part[i] != "")
					check_any(part[i])
		}
	}
	# {{label}} of Grafana, {{ $labels.label }} of Prometheus
	function check_said(text,    label) {
		while (match(text, /[{][{] *([$]labels[.])?[a-z_]+/)) {
			label = substr(text, RSTART, RLENGTH)
			text = substr(text, RSTART + RLENGTH)
			sub(/^.*[^a-z_]/, "", label)
			check_any(label)
		}
	}
	NR == FNR {
		split($0, word, " ")
		is_metric[word[1]] = 1
		n = split(word[3], label, ",")
		for (i = 1; i <= n; i++)
			labels[word[1], label[i]] = 1
		next
	}
	FNR == 1 { # of node_exporter
		is_metric["node_textfile_mtime_seconds"] = 1
		labels["node_textfile_mtime_seconds", "file"] = 1
	}
	{
		for (metric in here)
			delete here[metric]
		check_metrics($2)
		check_lists($2)
		check_said($3)
	}
	END {
		if (uses < 10) {
			print "not ok - " file ": only " uses + 0 " metrics found"
			bad = 1
		}
		exit bad
	}' "$tmp/list" "$1" || bad=1
}
known "$tmp/dashboard"
known "$tmp/alerts"

# What is counted is shown: only what other metrics tell as well is not.
while read -r name _; do
	case $name in
	*_link_rx_bytes_total | *_link_tx_bytes_total) continue ;;
	esac
	grep -qw "$name" "$tmp/dashboard" || complain "no panel shows $name"
done <"$tmp/list"

# Reasons in the matchers are reasons.
"$print" example >"$tmp/text" || exit 1
grep -ho 'reason[=!~]*"[a-z_|]*"' "$tmp/dashboard" "$tmp/alerts" |
	sed 's/.*"\(.*\)"/\1/' | tr '|' '\n' | sort -u >"$tmp/reasons"
while read -r reason; do
	grep -q "reason=\"$reason\"" "$tmp/text" ||
		complain "no such reason: $reason"
done <"$tmp/reasons"

# Each alert says what it is and what to do.
count() {
	grep -c "^ *$1" "$alerts"
}
for key in expr: summary: description: severity:; do
	[ "$(count "$key")" = "$(count '- alert:')" ] ||
		complain "$alerts: not every alert has $key"
done

if command -v promtool >/dev/null; then
	promtool check rules "$alerts" >"$tmp/said" 2>&1 ||
		complain "promtool check rules: $(cat "$tmp/said")"
	promtool check metrics <"$tmp/text" >"$tmp/said" 2>&1 ||
		complain "promtool check metrics: $(cat "$tmp/said")"
else
	echo '# no promtool here: the rules were not parsed'
fi
[ $bad = 0 ] && echo 'ok - dashboard and alerts name what exists'
exit $bad

# SPDX-License-Identifier: BSD-2-Clause
#
# tests/bench's tables, from its lines `round figure contender value`: one for
# each figure, then the summary that the README shows. Needs -v reference=NAME
# and -v all='NAME NAME ...', the order of the rows.

# of the numbers in a string; their ends in low and high
function median(numbers,    n, a, i, j, t) {
	n = split(numbers, a, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) {
			t = a[j]
			a[j] = a[j - 1]
			a[j - 1] = t
		}
	low = a[1]
	high = a[n]
	return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}

# median over the rounds of what w did to what b did
function ratio(f, w, b,    r, each) {
	for (r = 1; r <= rounds; r++)
		if (value[f, b, r] > 0 && ((f, w, r) in value))
			each = each " " value[f, w, r] / value[f, b, r]
	return each == "" ? "-" : sprintf("%.2f", median(each))
}

function number(x) {
	return x >= 100 ? sprintf("%d", x + 0.5) : sprintf("%.3g", x)
}

function cell(f, w) {
	return ((f, w) in values) ? number(median(values[f, w])) : "-"
}

# the reference, or whoever was measured in its place
function base_of(f,    j) {
	if ((f, reference) in values)
		return reference
	for (j = 1; !((f, names[j]) in values); j++)
		;
	return names[j]
}

function detail(f,    base, j, w, middle) {
	base = base_of(f)
	printf "\n%-26s%8s%19s%9s%9s\n", f ", to " base, "median", "range",
		"ratio", "inverse"
	for (j = 1; j <= n; j++) {
		w = names[j]
		if (!((f, w) in values))
			continue
		middle = number(median(values[f, w]))
		printf "%-26s%8s%19s%9s%9s\n", w, middle,
			number(low) " - " number(high), ratio(f, w, base),
			ratio(f, base, w)
	}
}

# A column of the summary, from one[]: its rows, one a contender, in text[];
# -1 and 0 are the heading
function column(head, under, width,    j) {
	one[-1] = head
	one[0] = under
	for (j = -1; j <= n; j++)
		text[j] = text[j] sprintf("%" width "s", one[j])
}

function plain(f, head, under, width,    j) {
	if (!(f in figure))
		return
	for (j = 1; j <= n; j++)
		one[j] = cell(f, names[j])
	column(head, under, width)
}

function rate(f,    j, middle) {
	for (j = 1; j <= n; j++) {
		middle = cell(f, names[j])
		one[j] = middle == "-" ? "-" : sprintf("%4s %11s %5s", middle,
			"(" number(low) "-" number(high) ")",
			ratio(f, names[j], base_of(f)))
	}
	column(substr(f, 3) " bytes, no loss", "kpps (range)  ratio", 25)
}

function cost(    j) {
	for (j = 1; j <= n; j++) {
		one[j] = cell("cpu_ns", names[j]) " "
		if (("cpu_kernel_ns", names[j]) in values)
			one[j] = cell("cpu_kernel_ns", names[j]) "*"
	}
	column("CPU ns", "/frame", 8)
}

BEGIN {
	n = split(all, names, " ")
}

{
	if (!($2 in figure)) {
		figure[$2]
		order[++m] = $2
	}
	measured[$3]
	value[$2, $3, $1] = $4
	values[$2, $3] = values[$2, $3] " " $4
	if ($1 + 0 > rounds)
		rounds = $1 + 0
}

END {
	for (i = 1; i <= m; i++)
		detail(order[i])
	for (i = -1; i <= n; i++)
		text[i] = sprintf("%-15s", i < 1 ? "" : names[i])
	for (i = 1; i <= m; i++)
		if (order[i] ~ /^zl/)
			rate(order[i])
	plain("filter", "zl60,", "kpps", 7)
	plain("p50", "latency", "p50 us", 8)
	plain("p99", "", "p99", 8)
	plain("tcp", "Gbit/s", "TCP", 7)
	plain("tcp_off", "no off-", "loads", 8)
	plain("tcp_free", "not", "pinned", 7)
	if (("cpu_ns" in figure) || ("cpu_kernel_ns" in figure))
		cost()
	printf "\nratio: to %s, median of %d rounds\n\n", reference, rounds
	for (i = -1; i <= n; i++)
		if (i < 1 || (names[i] in measured))
			print text[i]
}

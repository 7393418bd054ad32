# SPDX-License-Identifier: MIT
# tables.awk - bench.json (one result a line) -> tables of Markdown, which read as text too. Called by
# bench.sh with -v part=GROUP[,GROUP...] -v first="head of the first column".

function field(name,    s)
{
	if (!match($0, "\"" name "\":(\"[^\"]*\"|[^,}]*)"))
		return ""
	s = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
	gsub(/"/, "", s)
	return s
}

function number(n, unit)
{
	n += 0
	if (unit == "ns" && n >= 1e6)
		return sprintf("%.2f ms", n / 1e6)
	if (unit == "ns" && n >= 1e4)
		return sprintf("%.1f us", n / 1e3)
	if (unit == "ns")
		return sprintf(n < 100 ? "%.1f ns" : "%.0f ns", n)
	if (unit == "bytes")
		return n >= 4096 ? sprintf("%.0f KiB", n / 1024) : sprintf("%.0f B", n)
	if (unit == "per_s")
		return sprintf("%.0f /s", n)
	if (unit == "instructions")
		return sprintf("%.0f", n)
	return sprintf("%.0f %s", n, unit)
}

# What is said of a mode: bare as it is; light modes by what they add, heavy ones and servers by ratio.
function cell(    n, u, r, o)
{
	n = field("median")
	u = field("unit")
	r = field("ratio")
	o = field("over_bare")
	if (r == "")
		return number(n, u)
	r += 0
	o += 0
	if (u == "per_s")
		return sprintf("%.3f", r)
	if (group ~ /short/ || r >= 3 && u == "ns" && group == "calls")
		return sprintf("x %.3g", r)
	if (group ~ /servers/)
		return sprintf("%.3f", r)
	return (o >= 0 ? "+" : "-") number(o < 0 ? -o : o, u)
}

BEGIN { n_groups = split(part, groups, ",") }
{
	group = field("group")
	for (g = 1; g <= n_groups; g++) {
		if (group != groups[g])
			continue
		name = field("name")
		mode = field("mode")
		if (!(name in row)) {
			row[name] = 1
			names[++n_names] = name
		}
		if (!(mode in column)) {
			column[mode] = 1
			modes[++n_modes] = mode
		}
		if (!((name, mode) in text))
			text[name, mode] = cell()
	}
}
function place(m,    i, list, n)
{
	n = split("bare bare-again empty fdwhy fdwhy-no-stacks fdwhy-armed fiu valgrind perf-trace bpftrace strace strace-k", list, " ")
	for (i = 1; i <= n; i++)
		if (list[i] == m)
			return i
	return 99
}
END {
	for (i = 2; i <= n_modes; i++) {
		m = modes[i]
		for (j = i - 1; j >= 1 && place(modes[j]) > place(m); j--)
			modes[j + 1] = modes[j]
		modes[j + 1] = m
	}
	line = sprintf("| %-34s |", first)
	rule = "|------------------------------------|"
	for (i = 1; i <= n_modes; i++) {
		line = line sprintf(" %15s |", modes[i])
		rule = rule "----------------:|"
	}
	if (n_names)
		print line "\n" rule
	for (j = 1; j <= n_names; j++) {
		line = sprintf("| %-34s |", names[j])
		for (i = 1; i <= n_modes; i++)
			line = line sprintf(" %15s |", text[names[j], modes[i]])
		print line
	}
}

# SPDX-License-Identifier: MIT
# tables.awk - bench.json -> tables of Markdown, which read as text too. Called by doc.sh after json.awk, with
# -v part=GROUP -v first="head of the first column" [-v only=REGEX of names].
#
# What is said of a mode: bare as it is; light modes by what they add, heavy ones and servers by ratio. Where two
# bare runs differ by more than 5 % a figure that is not many times that is called noise, and none is given of
# servers.

function cell(group, name, mode,    id, r, o, noise)
{
	id = group "," name "," mode
	if (!(id in median))
		return ""
	if (!(id in ratio))
		return number(median[id], unit[id])
	r = ratio[id]
	o = over[id]
	if (!believed(group, name, mode))
		return "noise"
	if (group == "servers")
		return pairs[id] < 3 ? sprintf("%.3f", r) : sprintf("%.3f (%.2f-%.2f)", r, ratio_low[id], ratio_high[id])
	noise = control_off(group, name) + control_spread(group, name)
	if (group ~ /short/) {
		if (mode == "bare-again")
			return sprintf("%.3f", r)
		# No tool makes a program faster.
		if (unit[id] == "per_s" ? r > 1 : r < 1)
			return size(r - 1) <= 0.05 + noise ? "1" : "noise"
		return unit[id] == "per_s" ? sprintf(r < 0.1 ? "%.4f" : "%.3f", r) : sprintf("x %.3g", r)
	}
	if (r >= 3 && unit[id] == "ns" && group == "calls")
		return sprintf("x %.3g", r)
	return (mode !~ /bare/ && size(r - 1) <= noise && group ~ /calls|faked/ ? "~ " : "") \
		(o >= 0 ? "+" : "-") number(size(o), unit[id])
}

function place(m,    i, list, n)
{
	n = split("bare bare-again empty pass fdwhy fdwhy-no-stacks fdwhy-armed fiu valgrind perf-trace bpftrace strace strace-k", list, " ")
	for (i = 1; i <= n; i++)
		if (list[i] == m)
			return i
	return 99
}

function padded(s, n, left)
{
	return sprintf(left ? "%-" n "s" : "%" n "s", s)
}

END {
	for (i = 1; i <= results; i++) {
		if (result_group[i] != part || only != "" && result_name[i] !~ only)
			continue
		if (!(result_name[i] in row)) {
			row[result_name[i]] = 1
			names[++n_names] = result_name[i]
		}
		if (!(result_mode[i] in column)) {
			column[result_mode[i]] = 1
			modes[++n_modes] = result_mode[i]
		}
	}
	if (!n_names)
		exit
	for (i = 2; i <= n_modes; i++) {
		m = modes[i]
		for (j = i - 1; j >= 1 && place(modes[j]) > place(m); j--)
			modes[j + 1] = modes[j]
		modes[j + 1] = m
	}
	wide[0] = length(first)
	for (i = 1; i <= n_modes; i++)
		wide[i] = length(modes[i])
	for (j = 1; j <= n_names; j++) {
		if (length(names[j]) > wide[0])
			wide[0] = length(names[j])
		for (i = 1; i <= n_modes; i++) {
			text[j, i] = cell(part, names[j], modes[i])
			if (length(text[j, i]) > wide[i])
				wide[i] = length(text[j, i])
		}
	}
	line = "| " padded(first, wide[0], 1) " |"
	rule = "|" padded("", wide[0] + 2, 1) "|"
	for (i = 1; i <= n_modes; i++) {
		line = line " " padded(modes[i], wide[i]) " |"
		rule = rule padded("", wide[i] + 1) ":|"
	}
	gsub(/ /, "-", rule)
	print line "\n" rule
	for (j = 1; j <= n_names; j++) {
		line = "| " padded(names[j], wide[0], 1) " |"
		for (i = 1; i <= n_modes; i++)
			line = line " " padded(text[j, i], wide[i]) " |"
		print line
	}
}

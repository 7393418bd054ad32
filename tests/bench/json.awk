# SPDX-License-Identifier: MIT
# json.awk - bench.json (one result a line) into arrays, for the scripts that make tables, pictures and lines of
# it: awk -f json.awk -f SCRIPT bench.json. A result is found by "group,name,mode".

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
	if (unit == "ns" && n >= 1e9)
		return sprintf("%.2f s", n / 1e9)
	if (unit == "ns" && n >= 1e6)
		return sprintf("%.2f ms", n / 1e6)
	if (unit == "ns" && n >= 1e4)
		return sprintf("%.1f us", n / 1e3)
	if (unit == "ns")
		return sprintf(n < 100 ? "%.1f ns" : "%.0f ns", n)
	if (unit == "bytes" && n >= 4 * 1048576)
		return sprintf("%.1f MiB", n / 1048576)
	if (unit == "bytes")
		return n >= 4096 ? sprintf("%.0f KiB", n / 1024) : sprintf("%.0f B", n)
	if (unit == "per_s")
		return sprintf("%.0f /s", n)
	if (unit == "instructions")
		return sprintf("%.0f", n)
	return sprintf("%.0f %s", n, unit)
}

function size(n)
{
	return n < 0 ? -n : n
}

# By how much two bare runs differ, as a share: the median of the pairs, and half of their spread.
function control_off(group, name,    id)
{
	id = group "," name ",bare-again"
	return id in ratio ? size(ratio[id] - 1) : ""
}
function control_spread(group, name,    id)
{
	id = group "," name ",bare-again"
	return id in ratio ? (ratio_high[id] - ratio_low[id]) / 2 : 0
}

# Were two bare runs alike, and most of their pairs (of servers three at least)? A figure of which that cannot be said is not given.
function trusted(group, name,    off)
{
	off = control_off(group, name)
	if (group == "servers" && pairs[group "," name ",bare-again"] < 3)
		return 0
	return off == "" || off <= 0.05 && control_spread(group, name) <= 0.1
}

# What is many times the noise is none, but of servers nothing is given then.
function believed(group, name, mode,    id, r)
{
	id = group "," name "," mode
	if (trusted(group, name) || mode == "bare-again" || !(id in ratio))
		return 1
	r = unit[id] == "per_s" ? 1 / ratio[id] : ratio[id]
	return group != "servers" && size(r - 1) > 4 * control_off(group, name)
}

/^\{"group"/ {
	id = field("group") "," field("name") "," field("mode")
	median[id] = field("median") + 0
	unit[id] = field("unit")
	samples[id] = field("samples") + 0
	if (field("ratio") != "") {
		over[id] = field("over_bare") + 0
		ratio[id] = field("ratio") + 0
		ratio_low[id] = field("ratio_low") + 0
		ratio_high[id] = field("ratio_high") + 0
		pairs[id] = field("pairs") + 0
	}
	result_group[++results] = field("group")
	result_name[results] = field("name")
	result_mode[results] = field("mode")
}

# SPDX-License-Identifier: MIT
# summary.awk - samples (results.tsv) and what was not run (not_run.tsv) -> JSON, one result a line. Of each
# mode the median and the quartiles; of the difference and the ratio to bare the median over the pairs of
# one round. Called by bench.sh.

function sorted(list, n,    i, j, v)
{
	for (i = 2; i <= n; i++) {
		v = list[i]
		for (j = i - 1; j >= 1 && list[j] > v; j--)
			list[j + 1] = list[j]
		list[j + 1] = v
	}
}

function quantile(list, n, q,    at, low)
{
	at = 1 + (n - 1) * q
	low = int(at)
	return low >= n ? list[n] : list[low] + (list[low + 1] - list[low]) * (at - low)
}

function line(key,    part, r, n, m, v, b, list, over, ratio, out)
{
	split(key, part, SUBSEP)
	for (r = 1; r <= rounds; r++) {
		if (!((key, r) in value))
			continue
		v = value[key, r]
		list[++n] = v
		b = value[part[1], part[2], "bare", part[4], r]
		if (b > 0 && part[3] != "bare") {
			over[++m] = v - b
			ratio[m] = v / b
		}
	}
	sorted(list, n)
	out = sprintf("{\"group\":\"%s\",\"name\":\"%s\",\"mode\":\"%s\",\"unit\":\"%s\",\"samples\":%d," \
		"\"median\":%.6g,\"low\":%.6g,\"high\":%.6g", part[1], part[2], part[3], part[4], n,
		quantile(list, n, 0.5), quantile(list, n, 0.25), quantile(list, n, 0.75))
	if (m) {
		sorted(over, m)
		sorted(ratio, m)
		out = out sprintf(",\"pairs\":%d,\"over_bare\":%.6g,\"over_low\":%.6g,\"over_high\":%.6g," \
			"\"ratio\":%.6g,\"ratio_low\":%.6g,\"ratio_high\":%.6g", m,
			quantile(over, m, 0.5), quantile(over, m, 0.25), quantile(over, m, 0.75),
			quantile(ratio, m, 0.5), quantile(ratio, m, 0.25), quantile(ratio, m, 0.75))
	}
	return out "}"
}

BEGIN { FS = "\t" }
FILENAME ~ /not_run/ {
	missing[++missing_n] = sprintf("{\"mode\":\"%s\",\"why\":\"%s\"}", $1, $2)
	next
}
FILENAME ~ /machine/ {
	facts = facts (facts ? "," : "") sprintf("\"%s\":\"%s\"", $1, $2)
	next
}
{
	key = $1 SUBSEP $2 SUBSEP $3 SUBSEP $6
	if (!(key in seen)) {
		seen[key] = 1
		order[++keys] = key
	}
	value[key, $4] = $5
	if ($4 + 0 > rounds)
		rounds = $4 + 0
}
END {
	print "{\"schema\":1,\"machine\":{" facts "},"
	print "\"not_run\":["
	for (i = 1; i <= missing_n; i++)
		print missing[i] (i < missing_n ? "," : "")
	print "],\"results\":["
	for (i = 1; i <= keys; i++)
		print line(order[i]) (i < keys ? "," : "")
	print "]}"
}

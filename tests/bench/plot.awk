# SPDX-License-Identifier: MIT
# plot.awk - bench.json (one result a line) -> one picture (SVG): what a call or request costs under each tool,
# as a ratio to bare, on a logarithmic scale. Called by doc.sh after json.awk.

# Pixels from the left edge of a panel; ratios below 1 are drawn as 1.
function across(r)
{
	return r <= 1 ? 0 : WIDE * log(r) / log(MOST)
}

function words(x, y, how, s)
{
	printf "<text x=\"%.1f\" y=\"%.1f\" %s>%s</text>\n", x, y, how, s
}

function panel(p, x,    i, y, r, e, id)
{
	words(x, 46, "font-weight=\"bold\"", title[p])
	for (e = 1; e <= MOST; e *= 10) {
		printf "<path d=\"M%.1f 56V%d\" stroke=\"#ccc\"/>\n", x + across(e), TOP + n_modes * STEP
		words(x + across(e), TOP + n_modes * STEP + 16, "text-anchor=\"middle\" fill=\"#666\"", e)
	}
	for (i = 1; i <= n_modes; i++) {
		y = TOP + (i - 1) * STEP
		id = group[p] "," want[p] "," modes[i]
		if (!(id in ratio))
			id = group[p] "-short," want[p] "," modes[i]
		r = id in ratio ? ratio[id] : ""
		if (r == "" || !believed(group[p] (id ~ /-short,/ ? "-short" : ""), want[p], modes[i])) {
			words(x + 4, y + 13, "fill=\"#999\"", r == "" ? "not run" : "noise")
			continue
		}
		printf "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>\n", x, y + 2,
			(across(r) > 1 ? across(r) : 1), (modes[i] ~ /^fdwhy/ ? "#1a7f5a" : "#8a93a6")
		words(x + across(r) + 5, y + 13, "", sprintf(r < 10 ? "%.2f" : "%.0f", r))
	}
}

BEGIN {
	MOST = 10000
	WIDE = 210
	STEP = 20
	TOP = 60
	n_modes = split("empty fdwhy fdwhy-no-stacks fdwhy-armed fiu valgrind bpftrace perf-trace strace strace-k", modes, " ")
	title[1] = "recv() with EAGAIN, 20 frames"
	want[1] = "eagain"
	group[1] = group[2] = "calls"
	group[3] = "servers"
	title[2] = "open() and close()"
	want[2] = "open_close"
	title[3] = "redis: processor a request"
	want[3] = "redis-cpu"
}
END {
	high = TOP + n_modes * STEP + 30
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 %d\" font-family=\"sans-serif\" font-size=\"12\">\n", high
	print "<title>What a call costs under each tool, as a ratio to the bare call</title>"
	printf "<rect width=\"960\" height=\"%d\" fill=\"#fff\"/>\n", high
	words(12, 20, "font-size=\"14\"", "Ratio to bare (1 = no cost), logarithmic")
	for (i = 1; i <= n_modes; i++)
		words(118, TOP + (i - 1) * STEP + 13, "text-anchor=\"end\"", modes[i])
	for (p = 1; p <= 3; p++)
		panel(p, 126 + (p - 1) * 278)
	print "</svg>"
}

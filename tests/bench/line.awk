# SPDX-License-Identifier: MIT
# line.awk - bench.json -> the paragraph of the README on what fdwhy costs, and the sentences on scale. Called by
# doc.sh after json.awk with -v want=readme, or fds, threads, stacks, events, processes.

function per_call(group, name, share,    id)
{
	id = group "," name ",fdwhy"
	if (!(id in over))
		return "(not measured)"
	return believed(group, name, "fdwhy") ? number(over[id] / (share ? share : 1), unit[id]) : "(noise)"
}

# "0.99 (two bare runs: 1.01)", or that the machine was too busy to say.
function of_server(name,    id)
{
	id = "servers," name ",fdwhy"
	if (!(id in ratio))
		return "(not measured)"
	if (!trusted("servers", name))
		return "(noise)"
	return sprintf("%.3f (two bare runs: %.3f)", ratio[id], ratio["servers," name ",bare-again"])
}

function readme()
{
	print "What it costs, measured by `make bench` on a virtual machine of " cores " processors ([docs/bench.md](bench.md)): a"
	print "send or recv that succeeds " per_call("faked", "send_recv", 2) " (" \
		per_call("instructions", "send_recv", 2) " instructions), an EAGAIN with its full backtrace under 20 frames"
	print per_call("faked", "eagain", 1) ", an open and close " per_call("faked", "open_close", 1) \
		". Processor time of a request, ratio to bare: redis " of_server("redis-cpu") ","
	print "nginx " of_server("nginx-cpu") ", PostgreSQL " of_server("postgres-cpu") "."
	print "A fork costs " per_call("calls", "fork, processor", 1) " of processor more and the start of a program " \
		per_call("calls", "start, processor", 1) "; processor time of a script of 10,000 subshells, ratio to bare:"
	print of_server("forks-cpu") "."
}

function signed(n)
{
	return (n < 0 ? "-" : "") number(size(n), "ns")
}

# The least and the most that was added, over all results of a family.
function range(group, family,    i, id, least, most, n, v)
{
	for (i = 1; i <= results; i++) {
		if (result_group[i] != group || result_mode[i] != "fdwhy" || result_name[i] !~ family)
			continue
		id = group "," result_name[i] ",fdwhy"
		v = id in over ? over[id] : median[id]
		if (!n++ || v < least)
			least = v
		if (n == 1 || v > most)
			most = v
	}
	if (!n)
		return "not measured"
	if (n == 1)
		return signed(least)
	return signed(least) " to " signed(most) (most - least <= 2 || most <= least * 1.3 ? ", flat" : ", not flat")
}

function scale(what)
{
	if (what == "fds")
		print "Added to send+recv: " range("scale", "^send_recv, [0-9]+ fds") "; to open+close: " \
			range("scale", "^open_close, [0-9]+ fds") ". A slot is found by its number and is a cache line: more" \
			" fds are more memory, 64 bytes each, made real a page at a time, and no more work."
	if (what == "threads")
		print "Added to send+recv: " range("scale", "^send_recv, [0-9]+ threads") ". Threads share no line that a" \
			" successful call writes to, unless they use the same fd; there are only " cores " processors to share."
	if (what == "stacks")
		print "Added to an EAGAIN: " range("scale", "^EAGAIN, [0-9]+ stacks") ". One stack again and again is answered" \
			" by a comparison; many in turn are unwound anew, from rules that are cached by address, and found in a table." \
			" Beyond what the record has room for a stack is counted, not stored: the record does not grow, and looking" \
			" for what is not there takes the time that is seen."
	if (what == "events")
		print "Added to an EAGAIN: " range("scale", "^EAGAIN, [0-9]+ in all") ". The first thousand pay for the pages" \
			" that they are the first to touch; then nothing grows: the ring, the places and the series have their" \
			" size. `preset`: the counters of the living record were set to just below 2^32, and the uses of its fds to" \
			" just below 2^31, before it went on; the report counts right on both sides."
	if (what == "processes")
		print "Added to a program, from its start to its end: " range("scale", "^a program, [0-9]+ started") ". Quiet programs share one file of" \
			" totals, a line each; a report reads record by record, and each module's symbols once."
}

/"machine"/ { cores = $0; sub(/.*"cores":"/, "", cores); sub(/".*/, "", cores) }
END {
	if (want == "readme")
		readme()
	else
		scale(want)
}

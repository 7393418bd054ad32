# SPDX-License-Identifier: MIT
# aims.awk - bench.json -> what was aimed at and what was reached, a row each. Called by doc.sh after json.awk.
#
# A figure that is not told from noise, or was not measured, is said to be so: neither reached nor missed.

function row(what, aim, id, value, limit, how,    parts, said, verdict)
{
	split(id, parts, ",")
	if (value == "") {
		said = "not measured"
		verdict = ""
	} else if (!believed(parts[1], name_of(id), "fdwhy")) {
		said = sprintf("noise: %.0f %%", 100 * control_off(parts[1], name_of(id)))
		verdict = ""
	} else {
		said = how == "x" ? sprintf("%.3f", value) : how == "%" ? sprintf("%+.1f %%", value) : number(value, how)
		verdict = (at_least ? value >= limit : value <= limit) ? "yes" : "no"
	}
	printf "| %-58s | %16s | %14s | %-7s |\n", what, aim, said, verdict
}

# Names have commas: what stands between the first and the last.
function name_of(id)
{
	sub(/^[^,]*,/, "", id)
	sub(/,[^,]*$/, "", id)
	return id
}

function added(id, share)
{
	return id in over ? over[id] / (share ? share : 1) : ""
}

function of_fdwhy(name)
{
	id = "scale," name ",fdwhy"
	return id in median ? median[id] : ""
}

function against(id, id2)
{
	return id in median && id2 in median ? median[id] - median[id2] : ""
}

END {
	printf "| %-58s | %16s | %14s | %-7s |\n", "what", "aimed at", "measured", "reached"
	print "|------------------------------------------------------------|-----------------:|---------------:|---------|"
	id = "faked,send_recv,fdwhy"
	row("a send or recv that succeeds, over bare", "<= 2 ns", id, added(id, 2), 2, "ns")
	id = "instructions,send_recv,fdwhy"
	row("the same, instructions", "<= 16", id, added(id, 2), 16, "instructions")
	id = "faked,eagain,fdwhy"
	row("EAGAIN with its stack of 20 frames, seen before", "<= 40 ns", id, added(id), 40, "ns")
	id = "instructions,eagain,fdwhy"
	row("the same, instructions", "<= 350", id, added(id), 350, "instructions")
	id = "faked,eagain_cold,fdwhy"
	row("the same, 1 MB touched in between", "<= 150 ns", id, added(id), 150, "ns")
	id = "faked,stacks_1000,fdwhy"
	row("EAGAIN, 1,000 stacks of 20 frames in turn", "<= 200 ns", id, added(id), 200, "ns")
	id = "calls,eagain_first,fdwhy"
	row("the first EAGAIN of a process", "<= 200 us", id, added(id), 200000, "ns")
	id = "faked,open_close,fdwhy"
	row("open and close with birth and death stacks", "<= 60 ns", id, added(id), 60, "ns")
	id = "calls,connect_file_new,fdwhy"
	row("EAGAIN explained: a full listener asked of the kernel", "<= 20 us", id, added(id), 20000, "ns")
	id = "calls,connect_new,fdwhy"
	row("the same, a listener with an abstract name", "<= 20 us", id, added(id), 20000, "ns")
	id = "instructions,nginx request,fdwhy"
	row("nginx keep-alive, user instructions of a request", "<= +4 %", id, id in ratio ? 100 * (ratio[id] - 1) : "", 4, "%")
	at_least = 1
	id = "servers,redis,fdwhy"
	row("redis, requests a second", ">= 0.98 of bare", id, id in ratio ? ratio[id] : "", 0.98, "x")
	id = "servers,nginx,fdwhy"
	row("nginx, requests a second", ">= 0.98 of bare", id, id in ratio ? ratio[id] : "", 0.98, "x")
	at_least = 0
	id = "servers,echo-cpu,fdwhy"
	row("a request with one EAGAIN (edge-triggered echo), processor", "<= 1.03 of bare", id, id in ratio ? ratio[id] : "", 1.03, "x")
	id = "scale,memory for one more open fd,fdwhy"
	row("memory for one more open fd", "<= 64 B", id, of_fdwhy("memory for one more open fd"), 64, "bytes")
	id = "scale,record, redis under load,fdwhy"
	row("record of redis under load", "<= 64 KiB", id, of_fdwhy("record, redis under load"), 65536, "bytes")
	row("record of nginx under load, the larger process", "<= 64 KiB", id, of_fdwhy("record, nginx under load"), 65536, "bytes")
	id = "calls,start,fdwhy"
	row("start of a program, over an empty preload", "<= 90 us", id, against(id, "calls,start,empty"), 90000, "ns")
	id = "calls,start, processor,fdwhy"
	row("the same, processor time", "<= 90 us", id, against(id, "calls,start, processor,empty"), 90000, "ns")
	id = "calls,fork,fdwhy"
	row("fork in a preloaded process", "<= 30 us", id, added(id), 30000, "ns")
	id = "calls,fork, processor,fdwhy"
	row("the same, processor time", "<= 30 us", id, added(id), 30000, "ns")
	at_least = 1
	id = "scale,fds known of 1000000,fdwhy"
	row("fds known in one process, above a fake kernel", "1000000", id, of_fdwhy("fds known of 1000000"), 1000000, "fds")
	at_least = 0
	id = "scale,report of 10000 records, text,fdwhy"
	row("report of 10,000 records, text", "seconds", id, of_fdwhy("report of 10000 records, text"), 9.99e9, "ns")
	row("the same, memory", "bounded", id, of_fdwhy("report of 10000 records, text, memory"), 256 * 1048576, "bytes")
	row("report of 10,000 records, JSON", "seconds", id, of_fdwhy("report of 10000 records, JSON"), 9.99e9, "ns")
	row("the same, memory", "bounded", id, of_fdwhy("report of 10000 records, JSON, memory"), 256 * 1048576, "bytes")
}

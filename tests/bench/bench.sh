#!/bin/bash
# SPDX-License-Identifier: MIT
# bench.sh [PART...] - measures, prints tables, leaves $O/bench.json. Parts: calls instructions servers scale
# (default: all). FULL=1: 25 pairs and more rounds. PAIRS, ROUNDS: so many.
# bench.sh --doc     writes docs/bench.md and docs/bench.svg from $O/bench.json
# bench.sh --tables  prints the tables of $O/bench.json
# Private directories, loopback and UNIX sockets only; servers are stopped by pid.
. "$(dirname "$0")/lib.sh"
json=$O/bench.json
doc=$top/docs/bench.md

machine() {
	local model
	model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	printf 'cores\t%s\nprocessor\t%s\nkernel\t%s\nlibc\t%s\ncompiler\t%s\ndate\t%s\nloadavg_start\t%s\n' \
		"$(nproc)" "$(uname -m)${model:+, $model}" "$(uname -r | sed 's/-.*//')" \
		"$(getconf GNU_LIBC_VERSION)" "$(${CC:-cc} --version | head -n 1)" "$(date -u +%F)" \
		"$(cut -d' ' -f1 /proc/loadavg)"
}

table() { # GROUPS HEAD TITLE TEXT
	local t
	t=$(awk -v part="$1" -v first="$2" -f "$here/tables.awk" "$json")
	[ -n "$t" ] && printf '## %s\n\n%s\n\n%s\n\n' "$3" "$4" "$t"
}

tables() {
	table calls "call" "What a call costs" \
		"Bare: the call as it is. Else what is added to it (median of the pairs of a round); from three times bare on, the ratio. \`bare-again\` is the control: a second bare run, whose difference is noise. \`eagain\`: recv() that fails, under 20 frames. \`eagain_first\`: the first of a process. \`eagain_cold\`: the same with 1 MB touched in between. \`stacks_1000\`: 1,000 stacks in turn. \`stacks_new\`: a stack never seen before each time. \`connect\`: EAGAIN of a full listener. \`exec\`: fork, exec, wait; \`start\`: starting a program from a bare parent; \`processor\`: processor time of parent and child, not the clock. \`fdwhy-armed\`: with a rule armed for each of these calls, none of which matches."
	table calls-short "call" "The same under tools that trace" \
		"Ratio to bare of the same short run."
	table faked "call" "The shim's own time" \
		"Above a kernel that answers at once (a second preload below the shim): what is left is what the shim does."
	table instructions "operation" "The shim's own instructions" \
		"User instructions per operation under callgrind above the same kernel: exact, repeatable, what CI holds (\`tests/bench/instructions.sh --check\`). Each pair of calls (send+recv, open+close) is one operation. \`bare\`: as it is, \`fdwhy\`: added."
	table servers "server" "Servers" \
		"Ratio to bare of the pairs: throughput (more is better), \`-cpu\`: processor time per request (less is better). \`shell\`: a script that starts programs; \`forks\`: one of subshells; \`make\`: targets of a shell and two programs each, \`make -j2\`; \`postgres\`: pgbench of SELECT 1, \`postgres-connect\`: each on a connection of its own, for which the server forks. \`bare-again\` is the control: a row whose control is far from 1 was measured while the machine was busy, and says nothing; processor time and the instructions above say more."
	table servers-short "server" "Servers under tools that trace" \
		"Ratio to bare, one short run each."
	table scale "what" "Scale" \
		"fds, threads and stacks above the kernel that answers at once, where not said otherwise. \`fdwhy\`: what is added to bare; sizes and times without a bare column are absolute. \`record\`: bytes of the record that were ever touched."
	awk '/^"not_run"/ { on = 1; next } /^\],"results"/ { on = 0 } on && /"mode"/' "$json" |
		sed -E 's/.*"mode":"([^"]*)","why":"([^"]*)".*/- not run: \1: \2/'
}

# Times of a busy machine say nothing: the controls in the tables differ as much as the tools.
quiet() {
	local load cores
	load=$(sed -nE 's/.*"loadavg_start":"([0-9.]+)".*/\1/p' "$json")
	cores=$(sed -nE 's/.*"cores":"([0-9]+)".*/\1/p' "$json")
	awk -v l="$load" -v c="$cores" 'BEGIN { exit !(l <= c) }' && return
	echo "bench: the load was $load on $cores cores when this was measured: no document is made of it (FORCE=1 does)" >&2
	[ -n "${FORCE:-}" ]
}

write_doc() {
	quiet || return 1
	mkdir -p "$top/docs"
	{
		echo "# Measurements"
		echo
		echo "Made by \`make bench\` and \`tests/bench/bench.sh --doc\`; every figure is measured, none copied."
		echo "\`FULL=1 make bench\` takes 25 pairs of everything. Medians; the JSON (\`build/bench.json\`) has the quartiles."
		echo
		grep '"machine"' "$json" | sed -E 's/.*"machine":\{(.*)\},/\1/; s/","/"\n"/g' |
			sed -E 's/^"([^"]*)":"?([^"]*)"?$/- \1: \2/; s/loadavg_start/load average at the start/'
		echo
		echo "![What a call costs under each tool](bench.svg)"
		echo
		tables
		echo
		echo "Single parts: \`tests/bench/bench.sh calls|instructions|servers|scale\`;"
		echo "where instructions go: \`tests/bench/instructions.sh --profile eagain\`."
	} >"$doc.new" && mv "$doc.new" "$doc" && awk -f "$here/plot.awk" "$json" >"${doc%.md}.svg" &&
		echo "wrote docs/bench.md and docs/bench.svg"
}

case ${1:-} in
--doc) write_doc; exit ;;
--tables) tables && exit ;;
-*) echo "usage: bench.sh [--doc|--tables|PART...]" >&2 && exit 2 ;;
esac

if [ -n "${FULL:-}" ]; then
	export PAIRS=${PAIRS:-25} ROUNDS=${ROUNDS:-25} ROUNDS_SCALE=${ROUNDS_SCALE:-5} PROCESSES=${PROCESSES:-10 100 1000 10000}
fi
bench_build || exit 1
export BENCH_RESULTS=$bin/results.tsv BENCH_NOT_RUN=$bin/not_run.tsv
# Of a single part only its own samples are made anew.
forget() { # PART
	local groups=$1
	[ "$1" = calls ] && groups="calls|calls-short|faked"
	[ "$1" = servers ] && groups="servers|servers-short"
	sed -i -E "/^($groups)\t/d" "$results"
}
touch "$results" "$not_run"
machine >"$bin/machine.tsv"
start=$SECONDS
[ $# -eq 0 ] && set -- calls instructions servers scale && : >"$not_run"
for part in "$@"; do
	forget "$part"
	echo "bench: $part"
	bash "$here/$part.sh" || exit 1
done
[ -s "$results" ] || { echo "bench: nothing was measured" >&2 && exit 1; }
awk -f "$here/summary.awk" "$bin/machine.tsv" "$not_run" "$results" >"$json.new" && mv "$json.new" "$json"
tables
echo "bench: $((SECONDS - start)) s; $json"

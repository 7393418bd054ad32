# SPDX-License-Identifier: MIT
# doc.sh - tables, docs/bench.md, its picture and the README's paragraph from bench.json. Sourced by bench.sh.
# shellcheck shell=bash disable=SC2154
DOC=${DOC:-$top/docs/bench.md}
README=${README:-$top/README.md}
MARK_FROM='<!-- figures: made by tests/bench/bench.sh --doc -->'
MARK_TO='<!-- end of figures -->'

head_of() { # TITLE TEXT
	printf '## %s\n\n%s\n\n' "$1" "$2"
}

table() { # GROUP HEAD TITLE TEXT
	local t
	t=$(awk -v part="$1" -v first="$2" -f "$here/json.awk" -f "$here/tables.awk" "$json")
	[ -n "$t" ] && head_of "$3" "$4" && printf '%s\n\n' "$t"
}

scale_table() { # WHAT NAMES
	local t
	t=$(awk -v part=scale -v first="$1" -v only="$2" -f "$here/json.awk" -f "$here/tables.awk" "$json")
	[ -n "$t" ] || return
	printf '%s\n\n' "$t"
	awk -v want="$1" -f "$here/json.awk" -f "$here/line.awk" "$json" | fold -s -w 110 | sed 's/ *$//'
	echo
}

tables() {
	head_of "What was aimed at, and what was reached" \
		"Figures of the tables below; times of single calls are the shim's own, above a kernel that answers at once. \`noise\`: so much two bare runs of the row differed, and no figure is given."
	awk -f "$here/json.awk" -f "$here/aims.awk" "$json"
	echo
	table calls "call" "What a call costs" \
		"Bare: the call as it is. Else what is added to it (median of the pairs of a round); from three times bare on, the ratio. All run on one processor. \`empty\`: a preload without functions; \`pass\`: one whose functions call those below and do nothing, which costs more above the kernel than above a fake one: a system call leaves the processor without what it knew of returns and branches. \`bare-again\` is the control: a second bare run, whose difference is noise; \`~\`: not more than that; \`noise\`: the control is more than 5 % off, and the figure not far above it. \`eagain\`: recv() that fails, under 20 frames. \`eagain_turn\`: send, recv, EAGAIN, epoll_wait. \`eagain_first\`: the first of a process. \`eagain_cold\`: the same with 1 MB touched in between. \`stacks_1000\`: 1,000 stacks in turn. Both are measured between two looks at the kernel, which a place has when it fails for the 2^n-th time and then each 100 ms. \`stacks_new\`: a stack never seen before each time, and so what the kernel knows gathered each time. \`connect\`: EAGAIN of a full listener, \`connect_new\`: the same at a new stack each time (an abstract name, for which the kernel searches longest), \`connect_file_new\`: of a socket file. \`exec\`: fork, exec, wait; \`start\`: starting a program from a bare parent; \`processor\`: processor time of parent and child, not the clock. \`fdwhy-armed\`: with a rule armed for each of these calls, none of which matches."
	table calls-short "call" "The same under tools that trace" \
		"Ratio to bare of the same short run, anywhere on the machine. \`1\` or \`noise\`: not told from bare: no tool makes a program faster."
	table faked "call" "The shim's own time" \
		"Above a kernel that answers at once (a second preload below the shim): what is left is what the shim does."
	table instructions "operation" "The shim's own instructions" \
		"User instructions per operation under callgrind above the same kernel: exact, repeatable, what CI holds (\`tests/bench/instructions.sh --check\`). Each pair of calls (send+recv, open+close) is one operation. \`bare\`: as it is, \`fdwhy\`: added. \`nginx request\`: a small file on a connection that stays, above the real kernel, whose instructions are not in it."
	table servers "server" "Servers" \
		"Ratio to bare of the pairs, with the quartiles: throughput (more is better), \`-cpu\`: processor time per request, that of processes which end included (less is better). The server runs on one processor, who asks it on another. \`bare-again\` is the control: where it is more than 5 % off, or its quartiles 20 % apart, the row says \`noise\` and nothing else. \`echo\`: an edge-triggered server, one EAGAIN for each request; \`postgres\`: pgbench of SELECT 1, \`postgres-connect\`: each on a connection of its own, for which the server forks; \`prefork\`: php-fpm, two processes, each replaced by a fork after ten requests; \`shell\`: a script that starts programs; \`forks\`: one of (in a full run 10,000) subshells; \`make\`: targets of a shell and two programs each, \`make -j2\`; \`compile\`: three C files. \`fiu\`: libfiu's \`fiu-run -x\`."
	table servers-short "server" "Servers under tools that trace" \
		"Ratio to bare, short runs, anywhere on the machine. Throughput of 0.1 is a tenth."
	head_of "Scale" \
		"\`fdwhy\`: what is added to bare; sizes, and times without a bare column, are absolute. fds (in a process that believes in a limit of 1,048,576), threads, stacks and events above the kernel that answers at once, where not said otherwise. \`record\`: bytes of the record that were ever touched."
	scale_table fds '[0-9] (real )?fds$|one more open fd|fds known'
	scale_table threads 'threads$'
	scale_table stacks 'stacks'
	scale_table events ' in all$|EAGAINs$|past 2'
	scale_table processes 'program|records of|such a record|under load'
	awk '/^"not_run"/ { on = 1; next } /^\],"results"/ { on = 0 } on && /"mode"/' "$json" |
		sed -E 's/.*"mode":"([^"]*)","why":"([^"]*)".*/- not run: \1: \2/; s/^- not run: (.*: )WRONG: /- **wrong**: \1/'
}

# Times of a busy machine say nothing: the controls in the tables differ as much as the tools.
quiet() {
	local load cores
	load=$(grep -oE '"load[^"]*":"[0-9.]+"' "$json" | grep -oE '[0-9.]+' | sort -n | tail -n 1)
	cores=$(sed -nE 's/.*"cores":"([0-9]+)".*/\1/p' "$json")
	awk -v l="$load" -v c="$cores" 'BEGIN { exit !(l <= c) }' && return
	echo "bench: the load was $load on $cores cores when this was measured: no document is made of it (FORCE=1 does)" >&2
	[ -n "${FORCE:-}" ]
}

figures() {
	echo "$MARK_FROM"
	awk -v want=readme -f "$here/json.awk" -f "$here/line.awk" "$json" | tr '\n' ' ' | fold -s -w 110 | sed 's/ *$//'
	echo
	echo "$MARK_TO"
}

# The README says what the document says: its paragraph is taken from there, and lint compares.
write_readme() {
	sed -n "\\|^$MARK_FROM|,\\|^$MARK_TO|p" "$DOC" | sed 's|](bench.md)|](docs/bench.md)|' >"$bin/figures"
	grep -qF "$MARK_FROM" "$README" || { echo "bench: no place for figures in the README" >&2; return 1; }
	awk -v from="$MARK_FROM" -v to="$MARK_TO" -v file="$bin/figures" '
		$0 == from { while ((getline line < file) > 0) print line; skip = 1 }
		!skip { print }
		$0 == to { skip = 0 }' "$README" >"$bin/README.new" && cat "$bin/README.new" >"$README"
}

write_doc() {
	quiet || return 1
	{
		echo "# Measurements"
		echo
		echo "Made by \`make bench\` and \`tests/bench/bench.sh --doc\`; every figure is measured, none copied."
		echo "\`FULL=1 make bench\` takes 25 pairs, or as many as the time of each part allows. Medians; the JSON"
		echo "(\`build/bench.json\`) has the quartiles and the numbers of samples."
		echo
		figures
		echo
		grep '"machine"' "$json" | sed -E 's/.*"machine":\{(.*)\},/\1/; s/","/"\n"/g' |
			sed -E 's/^"([^"]*)":"?([^"]*)"?$/- \1: \2/'
		echo
		echo "![What a call costs under each tool](bench.svg)"
		echo
		tables
		echo
		echo "Single parts: \`tests/bench/bench.sh calls|instructions|servers|scale\`, of which the latest of each are"
		echo "joined; where instructions go: \`tests/bench/instructions.sh --profile eagain\`."
		echo "What is not installed is left out and said. All of it, on Debian: \`redis-server redis-tools nginx wrk memcached"
		echo "postgresql php-fpm fiu-utils valgrind strace linux-perf bpftrace\`; perf trace and bpftrace need root."
	} >"$bin/doc.new" && cat "$bin/doc.new" >"$DOC" &&
		awk -f "$here/json.awk" -f "$here/plot.awk" "$json" >"${DOC%.md}.svg" &&
		write_readme && echo "wrote ${DOC#"$top"/}, its picture and the README's paragraph"
}

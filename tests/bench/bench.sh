#!/bin/bash
# SPDX-License-Identifier: MIT
# bench.sh - what recording costs, against the bare program and against rivals, in interleaved rounds.
# Prints a table, writes $O/bench.json and, with --doc, docs/bench.md. ROUNDS (default 7) rounds.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$top/${O:-build}" 2>/dev/null || cd "${O:-build}" && pwd)
rounds=${ROUNDS:-7}
work=$(mktemp -d "$(df --output=target /dev/shm 2>/dev/null | grep -qx /dev/shm && echo /dev/shm || echo /tmp)/fdwhy-bench.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
cc=${CC:-cc}
$cc -O2 -Wall -Wextra "$top/tests/bench/bench_calls.c" -o "$work/calls" &&
	$cc -shared -fPIC "$top/tests/bench/empty.c" -o "$work/empty.so" || exit 1
calls=$work/calls
results=$work/results # kind|tool|value

have() { command -v "$1" >/dev/null 2>&1; }
median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }
spread() { sort -n | awk '{ v[NR] = $1 } END { if (NR) printf "%s-%s\n", v[1], v[NR] }'; }

# ---- one run of one tool ----------------------------------------------------------------------------
run_tool() { # tool kind count
	local session=$work/s
	rm -rf "$session" && mkdir -m 700 "$session"
	case $1 in
	bare) "$calls" "$2" "$3" ;;
	empty) LD_PRELOAD=$work/empty.so "$calls" "$2" "$3" ;;
	fdwhy) FDWHY_SESSION=$session LD_PRELOAD=$build/libfdwhy.so "$calls" "$2" "$3" ;;
	nostacks) FDWHY_STACKS=0 FDWHY_SESSION=$session LD_PRELOAD=$build/libfdwhy.so "$calls" "$2" "$3" ;;
	fiu) fiu-run -x "$calls" "$2" "$3" ;;
	strace) strace -f --seccomp-bpf -e trace=network,desc,process -o /dev/null "$calls" "$2" "$3" ;;
	strace-k) strace -f -k -e trace=network,desc,process -o /dev/null "$calls" "$2" "$3" ;;
	valgrind) valgrind -q --tool=none --track-fds=yes --log-file=/dev/null "$calls" "$2" "$3" ;;
	esac 2>/dev/null
}
count_for() { # kind tool
	local n=200000
	[ "$1" = "fork+exit" ] && n=1000
	case $2 in strace) n=$((n / 20)) ;; strace-k) n=$((n / 1000 + 10)) ;; valgrind) n=$((n / 4)) ;; esac
	echo $n
}
tools="bare empty fdwhy nostacks"
have fiu-run && tools="$tools fiu"
have valgrind && tools="$tools valgrind"
have strace && tools="$tools strace strace-k"
kinds=("send+recv" "recv EAGAIN" "open+close" "socket+close" "fcntl F_SETFL" "fork+exit")

for ((r = 1; r <= rounds; r++)); do
	[ -t 2 ] && printf '\rround %d of %d ' "$r" "$rounds" >&2
	for kind in "${kinds[@]}"; do
		for tool in $tools; do
			# The slow ones are far from close: three rounds tell enough.
			case $tool in strace* | valgrind) [ "$r" -gt 3 ] && continue ;; esac
			echo "$kind|$tool|$(run_tool "$tool" "$kind" "$(count_for "$kind" "$tool")")"
		done
	done
done >"$results"
[ -t 2 ] && echo >&2

# ---- user instructions per operation: exact, whatever else the machine does ----------------------------
instructions() { # kind tool
	local few=100 many=1100 a b
	a=$(counted "$2" "$1" $few) b=$(counted "$2" "$1" $many)
	[ -n "$a" ] && [ -n "$b" ] && echo $(((b - a) / (many - few)))
}
counted() { # tool kind count
	local preload= session=$work/s
	rm -rf "$session" && mkdir -m 700 "$session"
	[ "$1" = fdwhy ] && preload=$build/libfdwhy.so
	FDWHY_SESSION=$session LD_PRELOAD=$preload valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$calls" "$2" "$3" 2>&1 >/dev/null | awk '/Collected/ { n = $4 } END { print n }'
}
: >"$work/instructions"
if have valgrind; then
	for kind in "send+recv" "recv EAGAIN" "open+close" "socket+close" "fcntl F_SETFL"; do
		echo "$kind|$(instructions "$kind" bare)|$(instructions "$kind" fdwhy)"
	done >"$work/instructions"
fi

# ---- a server under load -------------------------------------------------------------------------------
redis_once() { # tool -> requests per second
	local sock=$work/redis.sock pid
	rm -rf "$work/s" "$sock" && mkdir -m 700 "$work/s"
	local preload=
	[ "$1" = fdwhy ] && preload=$build/libfdwhy.so
	FDWHY_SESSION=$work/s LD_PRELOAD=$preload redis-server --port 0 --unixsocket "$sock" --save '' \
		--dir "$work" >/dev/null 2>&1 &
	pid=$!
	for _ in $(seq 100); do [ -S "$sock" ] && break; sleep 0.05; done
	redis-benchmark -s "$sock" -c 50 -n 200000 -P 1 -t get --csv 2>/dev/null | awk -F'"' '/GET/ { print $4 }'
	kill "$pid"
	wait "$pid" 2>/dev/null
}
if have redis-server && have redis-benchmark; then
	for ((r = 1; r <= rounds; r++)); do
		a=$(redis_once bare) b=$(redis_once fdwhy) c=$(redis_once bare)
		echo "$a $b $c"
	done >"$work/redis"
fi

# ---- record of a process, start-up ---------------------------------------------------------------------
start_up() { # preload -> us of one `true`
	local start end
	start=$(date +%s%N)
	for _ in $(seq 200); do LD_PRELOAD=$1 FDWHY_SESSION=$work/s /bin/true; done
	end=$(date +%s%N)
	echo $(((end - start) / 200000))
}
for ((r = 1; r <= rounds; r++)); do
	rm -rf "$work/s" && mkdir -m 700 "$work/s"
	echo "$(start_up "$work/empty.so") $(start_up "$build/libfdwhy.so")"
done >"$work/start"
rm -rf "$work/s" && mkdir -m 700 "$work/s"
FDWHY_SESSION=$work/s LD_PRELOAD=$build/libfdwhy.so "$calls" "recv EAGAIN" 100 >/dev/null
record_kib=$(du -k "$work/s" | tail -1 | cut -f1)

# ---- the table ------------------------------------------------------------------------------------------
value() { awk -F'|' -v k="$1" -v t="$2" '$1 == k && $2 == t && $3 != "" { print $3 }' "$results" | median; }
table() {
	echo "| operation, 20 frames deep | bare ns | $(for t in $tools; do [ "$t" != bare ] && printf '%s | ' "$t"; done)"
	echo "|---|---|$(for t in $tools; do [ "$t" != bare ] && printf -- '---|'; done)"
	for kind in "${kinds[@]}"; do
		bare=$(value "$kind" bare)
		printf '| %s | %s |' "$kind" "$bare"
		for t in $tools; do
			[ "$t" = bare ] && continue
			v=$(value "$kind" "$t")
			awk -v a="$v" -v b="$bare" 'BEGIN { if (a == "") printf " not run |"; else printf " %.2f |", a / b }'
		done
		echo
	done
}
more() {
	awk -F'|' 'NF == 3 && $2 != "" { if (!n++) print "| operation | bare, user instructions | fdwhy | difference |\n|---|---|---|---|"
		printf "| %s | %d | %d | %d |\n", $1, $2, $3, $3 - $2 }' "$work/instructions"
	echo
	if [ -s "$work/redis" ]; then
		echo "redis-server, GET over a UNIX socket, 50 clients, $rounds interleaved rounds: throughput against" \
			"bare $(awk '{ print $2 / (($1 + $3) / 2) }' "$work/redis" | median | cut -c1-6) (median;" \
			"range $(awk '{ printf "%.3f\n", $2 / (($1 + $3) / 2) }' "$work/redis" | spread)); bare against bare" \
			"$(awk '{ print $3 / $1 }' "$work/redis" | median | cut -c1-6)" \
			"(range $(awk '{ printf "%.3f\n", $3 / $1 }' "$work/redis" | spread))."
	fi
	echo "Start-up of a process, over an empty preload: +$(awk '{ print $2 - $1 }' "$work/start" | median) us" \
		"(range $(awk '{ print $2 - $1 }' "$work/start" | spread))."
	echo "Record of a process with a few stacks: $record_kib KiB on disk."
}
{
	table
	echo
	more
} | tee "$work/table"
awk -F'|' 'BEGIN { print "[" } $3 != "" { printf "%s{\"operation\":\"%s\",\"tool\":\"%s\",\"ns\":%s}", n++ ? ",\n" : "", $1, $2, $3 } END { print "\n]" }' \
	"$results" >"$build/bench.json"
if [ "${1:-}" = --doc ]; then
	{
		echo "# What recording costs"
		echo
		echo "Made by \`tests/bench/bench.sh --doc\` (\`make bench\` prints the same); times are medians of"
		echo "$rounds interleaved rounds, ratios are to the bare program in the same rounds. The raw times are in"
		echo "\`build/bench.json\`. The machine: $(nproc) processors, $(uname -m), Linux $(uname -r | cut -d. -f1,2)," \
			"$(ldd --version | sed -n '1s/.* //p') glibc, $($cc -dumpversion) gcc; virtual and shared, so" \
			"instruction counts are what to trust."
		echo
		cat "$work/table"
		echo
		echo "Columns: \`empty\` a preload that does nothing, \`nostacks\` fdwhy with FDWHY_STACKS=0, \`fiu\`"
		echo "libfiu's fiu-run, \`valgrind\` --tool=none --track-fds=yes, \`strace\` -f --seccomp-bpf,"
		echo "\`strace-k\` -f -k. A tool that was not installed has no column."
	} >"$top/docs/bench.md"
fi

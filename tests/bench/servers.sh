#!/bin/bash
# SPDX-License-Identifier: MIT
# servers.sh - throughput and processor time per request of real servers, each started once per mode, and
# asked in turns: PAIRS rounds for the light tools, one for the heavy ones. Called by bench.sh.
. "$(dirname "$0")/lib.sh"
bench_build || exit 1
bench_place
REQUESTS=${REQUESTS:-30000}

# start_X DIR MODE: $! is the process whose tree is the server. ready_X DIR, load_X DIR REQUESTS:
# prints requests per second and requests made.
start_redis() {
	(exec_it=1 in_mode "$2" redis-server --port 0 --unixsocket "$1/socket" --save "" --appendonly no \
		--dir "$1" --daemonize no) >"$1/log" 2>&1 &
}
ready_redis() { [ "$(redis-cli -s "$1/socket" ping 2>/dev/null)" = PONG ]; }
load_redis() {
	redis-benchmark -s "$1/socket" -t set,get -n "$(($2 / 2))" -c 20 --csv 2>/dev/null | tr -d '"' |
		awk -F, -v n="$2" '$1 == "SET" || $1 == "GET" { s += 1 / $2 } END { if (s) print 2 / s, n }'
}

free_port() {
	local p
	while :; do
		p=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
	done
}
start_nginx() {
	local port user=
	port=$(free_port)
	[ "$(id -u)" = 0 ] && user="user root;"
	mkdir -p "$1/www" "$1/tmp"
	head -c 612 /dev/zero | tr '\0' x >"$1/www/index.html"
	echo "$port" >"$1/port"
	cat >"$1/nginx.conf" <<-EOF
		daemon off; worker_processes 1; pid $1/pid; error_log $1/error.log; $user
		events { worker_connections 256; }
		http {
			access_log off; keepalive_requests 100000000; client_body_temp_path $1/tmp;
			proxy_temp_path $1/tmp; fastcgi_temp_path $1/tmp; uwsgi_temp_path $1/tmp;
			scgi_temp_path $1/tmp;
			server { listen 127.0.0.1:$port; root $1/www; }
		}
	EOF
	(exec_it=1 in_mode "$2" nginx -p "$1" -c "$1/nginx.conf") >"$1/log" 2>&1 &
}
ready_nginx() { (exec 3<>"/dev/tcp/127.0.0.1/$(cat "$1/port")") 2>/dev/null; }
load_nginx() {
	wrk -t1 -c20 -d"$(($2 > 10000 ? 1 : 1))s" "http://127.0.0.1:$(cat "$1/port")/index.html" |
		awk '/requests in/ { n = $1 } /Requests\/sec/ { print $2, n }'
}

start_memcached() {
	local user=
	[ "$(id -u)" = 0 ] && user="-u root"
	# shellcheck disable=SC2086
	(exec_it=1 in_mode "$2" memcached -s "$1/socket" -t 1 -c 128 $user) >"$1/log" 2>&1 &
}
ready_memcached() { "$bin/bench_load" "$1/socket" 1 1 "get key" END; }
load_memcached() { "$bin/bench_load" "$1/socket" 20 "$2" "get key" END; }

# A database whose backends each answer one client; in postgres-connect each query is a connection of its
# own, for which the server forks. It refuses to run as root.
pg_program() { readlink -f "$(command -v postgres || find /usr/lib/postgresql/*/bin/postgres 2>/dev/null | tail -n 1)"; }
pg_as=
[ "$(id -u)" = 0 ] && pg_as="setpriv --reuid=postgres --regid=postgres --clear-groups"
start_postgres() {
	local program
	program=$(pg_program)
	[ -n "$pg_as" ] && chmod 755 "$tmp" && chown postgres "$1" "$session"
	# shellcheck disable=SC2086
	(cd "$1" && $pg_as "${program%/*}/initdb" -D "$1/data" -A trust -U bench --no-sync) >"$1/log" 2>&1
	# shellcheck disable=SC2086
	(cd "$1" && exec_it=1 in_mode "$2" $pg_as "$program" -D "$1/data" -k "$1" -c listen_addresses= \
		-c fsync=off -c autovacuum=off) >>"$1/log" 2>&1 &
}
ready_postgres() { pgbench -h "$1" -U bench -n -t 1 -f "$here/select.sql" postgres; }
load_postgres() { pg_load "$1" "$(($2 / 5))"; }
pg_load() { # DIR COUNT [OPTIONS]
	pgbench -h "$1" -U bench -n -c 4 -t "$(($2 / 4))" "${@:3}" -f "$here/select.sql" postgres 2>/dev/null |
		awk -v n="$2" '/^tps/ { print $3, n; exit }'
}
start_postgres-connect() { start_postgres "$@"; }
ready_postgres-connect() { ready_postgres "$@"; }
load_postgres-connect() { pg_load "$1" "$(($2 / 100))" -C; }

# Scripts that start programs or fork; their processor time is that of the whole tree, the tool included.
timed() { # COUNT MODE COMMAND...: per second, count, nanoseconds of processor each
	local TIMEFORMAT='%R %U %S'
	{ time in_mode "$2" "${@:3}" >/dev/null 2>&1; } 2>&1 |
		awk -v n="$1" 'NF == 3 { print n / $1, n, ($2 + $3) / n * 1e9 }'
}
start_shell() { sleep 1000 & }
ready_shell() { :; }
load_shell() { # DIR COUNT MODE
	timed $(($2 / 20)) "$3" sh -c "i=0; while [ \$i -lt $(($2 / 20)) ]; do /bin/true; i=\$((i + 1)); done"
}
start_forks() { start_shell; }
ready_forks() { :; }
load_forks() { # 10,000 subshells
	timed $(($2 / 3)) "$3" sh -c "i=0; while [ \$i -lt $(($2 / 3)) ]; do (:); i=\$((i + 1)); done"
}
start_make() {
	awk 'BEGIN { printf "all:"; for (i = 0; i < 200; i++) printf " t%d", i
		print ""; for (i = 0; i < 200; i++) printf "t%d:\n\t@x=$$(echo %d | tr 0-9 a-j); test -n \"$$x\"\n", i, i }' >"$1/Makefile"
	start_shell
}
ready_make() { :; }
load_make() { # a shell and two programs for each target
	timed 200 "$3" make -s -j2 -C "$1"
}

measure() { # SERVER DIR MODE ROUND REQUESTS PID [-short]
	local before rps n cpu
	before=$(cpu_ns "$6")
	read -r rps n cpu < <("load_$1" "$2" "$5" "$3")
	[ -n "${n:-}" ] || return
	[ -n "$cpu" ] || cpu=$(awk -v a="$before" -v b="$(cpu_ns "$6")" -v n="$n" 'BEGIN { print (b - a) / n }')
	sample "servers${7:-}" "$1" "$3" "$4" "$rps" per_s
	# Backends end with their clients: their time is not in the tree any more.
	[[ "$1" = postgres* ]] || sample "servers${7:-}" "$1-cpu" "$3" "$4" "$cpu" ns
}

up() { # SERVER MODE: sets pid_of[mode]
	local d=$tmp/$1-$2
	mkdir -p "$d"
	"start_$1" "$d" "$2"
	pid_of[$2]=$!
	pids="$pids $!"
	wait_for 20 "ready_$1" "$d" && return
	printf '%s\t%s\n' "$1 under $2" "it did not start: $(tail -n 1 "$d/log" | tr '\t"\\' '   ' | cut -c1-100)" >>"$not_run"
	return 1
}

down() {
	local p q
	for p in "$@"; do
		# A tracer does not pass the signal on: its tree is stopped, the servers first.
		for q in $(tree_of "$p" | tail -n +2) "$p"; do kill "$q" 2>/dev/null; done
		wait "$p" 2>/dev/null
	done
	empty_session
}

bench_server() {
	local server=$1 mode round runs=
	declare -A pid_of=()
	for mode in $light; do up "$server" "$mode" && runs="$runs $mode"; done
	for round in $(seq "${PAIRS:-5}"); do
		for mode in $(shuffled $runs); do
			measure "$server" "$tmp/$server-$mode" "$mode" "$round" "$REQUESTS" "${pid_of[$mode]}"
		done
	done
	down "${pid_of[@]}"
	pid_of=()
	for mode in bare $heavy; do
		case $server:$mode in
		postgres*:valgrind) [ -n "$pg_as" ] && continue ;; # does not follow setpriv
		esac
		rm -rf "$tmp/$server-$mode"
		up "$server" "$mode" &&
			measure "$server" "$tmp/$server-$mode" "$mode" 1 "$((REQUESTS / 30))" "${pid_of[$mode]}" -short
		down "${pid_of[$mode]}"
	done
}

light=$(modes_that_run $LIGHT)
heavy=$(modes_that_run $HEAVY)
# shellcheck disable=SC2086
for s in ${SERVERS:-redis:redis-benchmark nginx:wrk memcached:memcached postgres:pgbench postgres-connect:pgbench shell:sh forks:sh make:make}; do
	if command -v "${s#*:}" >/dev/null && { [ "$s" != nginx:wrk ] || command -v nginx >/dev/null; } &&
		{ [ "${s#*:}" != pgbench ] || [ -n "$(pg_program)" ]; }; then
		bench_server "${s%:*}"
	else
		printf '%s\t%s\n' "server ${s%:*}" "not installed" >>"$not_run"
	fi
done

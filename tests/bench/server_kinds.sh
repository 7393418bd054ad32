# SPDX-License-Identifier: MIT
# server_kinds.sh - the servers and scripts that servers.sh measures, and how each is started and asked. Sourced
# by it and by instructions.sh.
# shellcheck shell=bash disable=SC2154
#
# start_X DIR MODE: $! is the process whose tree is the server.   ready_X DIR: does it answer?
# load_X DIR REQUESTS MODE: prints requests per second, requests made, and nanoseconds of processor each where
# that is not to be read from the server's tree.

# What asks: on a processor of its own while light tools are compared, and never for ever.
# shellcheck disable=SC2086
client() { timeout -k 5 90 ${pin:+$pin_client} "$@"; }

share() { echo $(($1 / $2 ? $1 / $2 : 1)); } # COUNT DIVISOR: one at least

start_redis() {
	(exec_it=1 in_mode "$2" redis-server --port 0 --unixsocket "$1/socket" --save "" --appendonly no \
		--dir "$1" --daemonize no) >"$1/log" 2>&1 &
}
ready_redis() { [ "$(redis-cli -s "$1/socket" ping 2>/dev/null)" = PONG ]; }
load_redis() {
	client redis-benchmark -s "$1/socket" -t set,get -n "$2" -c 20 --csv 2>/dev/null | tr -d '"' |
		awk -F, -v n="$((2 * $2))" '$1 == "SET" || $1 == "GET" { s += 1 / $2 } END { if (s) print 2 / s, n }'
}

free_port() {
	local p
	while :; do
		p=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
	done
}
nginx_conf() { # DIR LISTEN PROCESSES
	local user=
	[ "$(id -u)" = 0 ] && user="user root;"
	mkdir -p "$1/www" "$1/tmp"
	{ head -c 600 /dev/zero | tr '\0' x; printf 'END\r\n'; } >"$1/www/index.html"
	cat >"$1/nginx.conf" <<-EOF2
		daemon off; $3 pid $1/pid; error_log $1/error.log; $user
		events { worker_connections 256; }
		http {
			access_log off; keepalive_requests 100000000; client_body_temp_path $1/tmp;
			proxy_temp_path $1/tmp; fastcgi_temp_path $1/tmp; uwsgi_temp_path $1/tmp;
			scgi_temp_path $1/tmp;
			server { listen $2; root $1/www; }
		}
	EOF2
}
start_nginx() {
	free_port >"$1/port"
	nginx_conf "$1" "127.0.0.1:$(cat "$1/port")" "worker_processes 1;"
	(exec_it=1 in_mode "$2" nginx -p "$1" -c "$1/nginx.conf") >"$1/log" 2>&1 &
}
ready_nginx() { (exec 3<>"/dev/tcp/127.0.0.1/$(cat "$1/port")") 2>/dev/null; }
load_nginx() { # a second
	client wrk -t1 -c20 -d1s "http://127.0.0.1:$(cat "$1/port")/index.html" |
		awk '/requests in/ { n = $1 } /Requests\/sec/ { print $2, n }'
}

# It sets its limit of open files to what -c says; valgrind lets that be nothing but what it left of the limit
# when it began, which is twelve less.
start_memcached() {
	local user="" clients=512
	[ "$(id -u)" = 0 ] && user="-u root"
	[ "$2" = valgrind ] && clients=500
	# shellcheck disable=SC2086
	(ulimit -n 512 && exec_it=1 in_mode "$2" memcached -s "$1/socket" -t 1 -c $clients $user) >"$1/log" 2>&1 &
}
ready_memcached() { timeout 5 "$bin/bench_load" "$1/socket" 1 1 "get key" END; }
load_memcached() { client "$bin/bench_load" "$1/socket" 20 "$2" "get key" END; }

# One EAGAIN for each request.
start_echo() {
	(exec_it=1 in_mode "$2" "$bin/bench_echo" "$1/socket") >"$1/log" 2>&1 &
}
ready_echo() { timeout 5 "$bin/bench_load" "$1/socket" 1 1 "a request" request; }
load_echo() { client "$bin/bench_load" "$1/socket" 20 "$2" "a request" request; }

# A database whose backends each answer one client; in postgres-connect each query is a connection of its
# own, for which the server forks. It refuses to run as root.
pg_program() { readlink -f "$(command -v postgres || find /usr/lib/postgresql/*/bin/postgres 2>/dev/null | tail -n 1)"; }
pg_as=
[ "$(id -u)" = 0 ] && pg_as="setpriv --reuid=postgres --regid=postgres --clear-groups"
start_postgres() {
	local program
	program=$(pg_program)
	if [ ! -e "$tmp/postgres-data" ]; then
		mkdir "$tmp/postgres-data"
		[ -n "$pg_as" ] && chmod 755 "$tmp" && chown postgres "$tmp/postgres-data" "$session"
		# shellcheck disable=SC2086
		(cd "$tmp/postgres-data" && $pg_as "${program%/*}/initdb" -D data -A trust -U bench --no-sync) >"$1/log" 2>&1
	fi
	cp -a "$tmp/postgres-data/data" "$1/data"
	[ -n "$pg_as" ] && chown postgres "$1"
	(cd "$1" && exec_it=1 as=$pg_as in_mode "$2" "$program" -D "$1/data" -k "$1" -c listen_addresses= \
		-c fsync=off -c autovacuum=off -c dynamic_shared_memory_type=mmap) >>"$1/log" 2>&1 &
}
ready_postgres() { pgbench -h "$1" -U bench -n -t 1 -f "$here/select.sql" postgres; }
load_postgres() { pg_load "$1" "$2"; }
pg_load() { # DIR COUNT [OPTIONS]
	local each
	each=$(share "$2" 4)
	client pgbench -h "$1" -U bench -n -c 4 -t $each "${@:3}" -f "$here/select.sql" postgres 2>/dev/null |
		awk -v n=$((each * 4)) '/^tps/ { print $3, n; exit }'
}
start_postgres-connect() { start_postgres "$@"; }
ready_postgres-connect() { ready_postgres "$@"; }
load_postgres-connect() { pg_load "$1" "$(share "$2" 150)" -C; }

# A prefork server: a pool of two processes, each replaced by a fork of their master after ten requests.
fpm_program() { command -v php-fpm || find /usr/sbin/php-fpm* 2>/dev/null | tail -n 1; }
fcgi_word() { printf "\\\\%03o\\\\%03o" $(($1 / 256)) $(($1 % 256)); }
fcgi_pair() { printf "\\\\%03o\\\\%03o%s%s" ${#1} ${#2} "$1" "$2"; }
start_prefork() {
	local who="" root="" file=$1/hello.php params length
	echo '<?php echo "hello";' >"$file"
	[ "$(id -u)" = 0 ] && who="user = root" && root=-R
	cat >"$1/fpm.conf" <<-EOF2
		[global]
		daemonize = no
		error_log = $1/fpm.log
		[bench]
		$who
		listen = $1/socket
		pm = static
		pm.max_children = 2
		pm.max_requests = 10
	EOF2
	params=$(fcgi_pair SCRIPT_FILENAME "$file"; fcgi_pair REQUEST_METHOD GET; fcgi_pair SCRIPT_NAME /hello.php)
	# shellcheck disable=SC2059
	length=$(printf "$params" | wc -c)
	# Begin as a responder without keeping the connection; the parameters; their end; no input.
	# shellcheck disable=SC2059
	{
		printf '\001\001\000\001\000\010\000\000\000\001\000\000\000\000\000\000'
		printf '\001\004\000\001'"$(fcgi_word "$length")"'\000\000'"$params"
		printf '\001\004\000\001\000\000\000\000\001\005\000\001\000\000\000\000'
	} >"$1/request"
	# shellcheck disable=SC2086
	(exec_it=1 in_mode "$2" "$(fpm_program)" -n $root -F -y "$1/fpm.conf") >"$1/log" 2>&1 &
}
ready_prefork() { timeout 5 "$bin/bench_load" "$1/socket" 1 1 "@$1/request" ""; }
load_prefork() { client "$bin/bench_load" "$1/socket" 2 "$(share "$2" 15)" "@$1/request" ""; }

# Scripts that start programs or fork; their processor time is that of the whole tree, the tool included.
timed() { # COUNT MODE COMMAND...
	pin="$bin/bench_run $tmp/timed $pin" limit=90 in_mode "$2" "${@:3}" >/dev/null 2>&1 </dev/null || return
	awk -v n="$1" '{ print n / $1 * 1e9, n, $2 / n }' "$tmp/timed"
}
start_shell() { sleep 1000 & }
ready_shell() { :; }
load_shell() { # DIR COUNT MODE
	local n
	n=$(share "$2" 50)
	timed "$n" "$3" sh -c "i=0; while [ \$i -lt $n ]; do /bin/true; i=\$((i + 1)); done"
}
start_forks() { start_shell; }
ready_forks() { :; }
load_forks() { # subshells: 10,000 in a full run
	local n
	n=$(share "$2" 3)
	timed "$n" "$3" sh -c "i=0; while [ \$i -lt $n ]; do (:); i=\$((i + 1)); done"
}
start_make() {
	awk 'BEGIN { for (i = 0; i < 1000; i++)
		printf "t%d:\n\t@x=$$(echo %d | tr 0-9 a-j); test -n \"$$x\"\n", i, i }' >"$1/Makefile"
	start_shell
}
ready_make() { :; }
load_make() { # a shell and two programs for each target
	local n
	n=$(share "$2" 150)
	# shellcheck disable=SC2046
	timed "$n" "$3" make -s -j2 -C "$1" $(seq -f t%g 0 $((n - 1)))
}
start_compile() { start_shell; }
ready_compile() { :; }
load_compile() { # three files of this tree: the driver, the compiler, the assembler
	timed 3 "$3" make -s -C "$top" -f "$here/compile.mk" O="$1" CC="${CC:-cc}"
}

# What must be installed for it; nothing: it is there.
lacks() {
	local p
	case $1 in
	redis) for p in redis-server redis-benchmark redis-cli; do command -v $p >/dev/null || echo $p; done ;;
	nginx) for p in nginx wrk; do command -v $p >/dev/null || echo $p; done ;;
	memcached) command -v memcached >/dev/null || echo memcached ;;
	postgres*)
		command -v pgbench >/dev/null || echo pgbench
		[ -n "$(pg_program)" ] || echo postgresql
		;;
	prefork) [ -n "$(fpm_program)" ] || echo php-fpm ;;
	make | compile) command -v make >/dev/null || echo make ;;
	esac
}

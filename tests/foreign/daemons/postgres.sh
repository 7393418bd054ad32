#!/bin/bash
# SPDX-License-Identifier: MIT
# postgres.sh - a cluster, pgbench's standard load with 8 clients, a crash of a backend; see daemon.sh.
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
as=
if [ "$(id -u)" -eq 0 ]; then
	as="setpriv --reuid=postgres --regid=postgres --init-groups"
	chown postgres .
fi
sql() { $as "$bin/psql" -h "$PWD" -d postgres -At -c "$1"; }
check initdb $as "$bin/initdb" -D "$PWD/data" -A trust --no-sync
# Autovacuum comes and goes as it likes.
# shellcheck disable=SC2086
start $as "$bin/postgres" -D "$PWD/data" -k "$PWD" -c listen_addresses= -c autovacuum=off -c fsync=off
await sql 'select 1'
fds
check 'pgbench -i' $as "$bin/pgbench" -h "$PWD" -i -s 1 -q postgres
bench() { $as "$bin/pgbench" -h "$PWD" -n -c 8 -j 2 -t 40 "$@" postgres 2>/dev/null | grep -E 'processed|failed|type'; }
result pgbench bench
result 'pgbench, a connection each' bench -C
result 'pgbench, prepared' bench -M prepared -S
result rows sql 'select count(*), (select count(*) from pgbench_history) from pgbench_accounts'
result 'sum' sql 'select sum(abalance) = (select sum(delta) from pgbench_history) from pgbench_accounts'
result locks sql 'begin; select pg_advisory_lock(7); select pg_advisory_unlock(7); commit'
result 'a program' sql "copy (select 1) to program 'cat >/dev/null'"
$as "$bin/psql" -h "$PWD" -d postgres -At -c 'select pg_sleep(60)' 2>/dev/null &
await sh -c "$as $bin/psql -h '$PWD' -d postgres -At -c \"select pid from pg_stat_activity where query like '%pg_sleep(6%' and pid <> pg_backend_pid()\" | tee victim | grep ."
kill -9 "$(cat victim)"
wait $!
await sql 'select 1'
result 'after a crash' sql 'select count(*) from pgbench_accounts'
stop INT

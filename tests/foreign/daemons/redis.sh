#!/bin/bash
# SPDX-License-Identifier: MIT
# redis.sh - redis-benchmark's own list of tests, snapshots by fork, append-only file; see daemon.sh.
cli() { redis-cli -s "$PWD/redis.sock" "$@"; }
start redis-server --port 0 --unixsocket "$PWD/redis.sock" --dir "$PWD" --appendonly yes \
	--save '' --io-threads 2 --io-threads-do-reads yes
await cli ping
redis-benchmark -s "$PWD/redis.sock" -c 50 -n 1000 -q --csv >bench.csv 2>bench.err
sed -i 1d bench.csv # the heading
while IFS=, read -r test rps _; do
	case "$rps" in *[1-9]*) say "${test//\"/}" ok ;; *) say "${test//\"/}" "failed $rps" ;; esac
done <bench.csv
result 'errors of redis-benchmark' cat bench.err
result set cli set key value
result get cli get key
check bgsave cli bgsave
await sh -c "redis-cli -s '$PWD/redis.sock' info persistence | grep rdb_bgsave_in_progress:0"
check bgrewriteaof cli bgrewriteaof
await sh -c "redis-cli -s '$PWD/redis.sock' info persistence | grep aof_rewrite_in_progress:0"
result persistence sh -c "redis-cli -s '$PWD/redis.sock' info persistence | grep -E 'status:|saves:' | tr -d '\r'"
result clients sh -c "redis-cli -s '$PWD/redis.sock' info | grep -E '^(connected_clients|rejected|acl_access|maxclients)' | tr -d '\r'"
fds
stop TERM
result files ls

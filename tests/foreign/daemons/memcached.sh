#!/bin/bash
# SPDX-License-Identifier: MIT
# memcached.sh - four threads, 30 clients; see daemon.sh.
start memcached -s "$PWD/m.sock" -a 0777 -t 4 -c 60 $([ "$(id -u)" -eq 0 ] && echo -u nobody)
await test -S m.sock
fds before
cat >client.py <<'PY'
import socket
import sys
import threading

path, counts = sys.argv[1], []


def ask(s, line):
    s.sendall(line.encode())
    data = b""
    while not data.endswith((b"END\r\n", b"STORED\r\n", b"OK\r\n")):
        got = s.recv(65536)
        if not got:
            return "closed"
        data += got
    return data.decode()


def client(n):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    good = 0
    for i in range(50):
        value = f"{n}-{i}" * 100
        good += ask(s, f"set k{n}-{i} 0 0 {len(value)}\r\n{value}\r\n") == "STORED\r\n"
        good += value in ask(s, f"get k{n}-{i}\r\n")
    counts.append(good)


threads = [threading.Thread(target=client, args=(n,)) for n in range(30)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sum(counts), "answers")
s = socket.socket(socket.AF_UNIX)
s.connect(path)
for line in ask(s, "stats\r\n").splitlines():
    if any(f" {w} " in line for w in ("cmd_get", "cmd_set", "get_hits", "get_misses", "threads",
                                      "rejected_connections", "max_connections", "curr_items")):
        print(line)
PY
result clients python3 client.py m.sock
fds after
stop TERM

#!/bin/bash
# SPDX-License-Identifier: MIT
# haproxy.sh - one front before another, two threads, under wrk; see daemon.sh.
port=$(free_port)
back=$(free_port)
cat >conf <<CONF
global
	nbthread 2
	maxconn 400
	stats socket $PWD/admin.sock mode 666 level admin
defaults
	mode http
	timeout client 10s
	timeout server 10s
	timeout connect 10s
frontend front
	bind 127.0.0.1:$port
	default_backend behind
backend behind
	http-reuse always
	server one 127.0.0.1:$back check inter 200
frontend last
	bind 127.0.0.1:$back
	http-request return status 200 content-type text/plain string "hello"
CONF
start /usr/sbin/haproxy -db -f "$PWD/conf"
await answers "$port"
fetch() { python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read())' "http://127.0.0.1:$port/"; }
await fetch
result answer fetch
kinds 'before the load'
result wrk wrk_errors "http://127.0.0.1:$port/"
admin() {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect("admin.sock")
s.sendall(sys.argv[1].encode() + b"\n")
print(b"".join(iter(lambda: s.recv(9999), b"")).decode())' "$1"
}
errors() { admin 'show stat' | cut -d, -f1,2,13-18; }
result 'errors by its own count' errors
stop USR1

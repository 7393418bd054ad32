#!/bin/bash
# SPDX-License-Identifier: MIT
# nginx.sh - two workers under wrk, a reload, files and a proxy; see daemon.sh.
port=$(free_port)
mkdir -p html logs
head -c 100000 /dev/zero | tr '\0' x >html/big
echo hello >html/index.html
cat >nginx.conf <<CONF
worker_processes 2;
daemon off;
pid $PWD/pid;
error_log $PWD/logs/error.log;
$([ "$(id -u)" -eq 0 ] && echo 'user nobody nogroup;')
events { worker_connections 200; accept_mutex on; }
http {
	access_log $PWD/logs/access.log;
	client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3;
	uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
	upstream self { server 127.0.0.1:$port; keepalive 4; }
	server {
		listen 127.0.0.1:$port backlog=511;
		root $PWD/html;
		location /proxy/ { proxy_pass http://self/; proxy_http_version 1.1; proxy_set_header Connection ""; }
	}
}
CONF
start /usr/sbin/nginx -c "$PWD/nginx.conf" -e "$PWD/logs/error.log"
await answers "$port"
fetch() {
	python3 -c 'import sys, urllib.request as u, urllib.error as e
try: print(len(u.urlopen(sys.argv[1]).read()))
except e.HTTPError as error: print(error.code)' "http://127.0.0.1:$port$1"
}
fds
result index fetch /
result 'a big file' fetch /big
result 'through the proxy' fetch /proxy/big
result missing fetch /missing
result 'wrk on a file' wrk_errors "http://127.0.0.1:$port/"
result 'wrk on a big file' wrk_errors "http://127.0.0.1:$port/big"
result 'wrk through the proxy' wrk_errors "http://127.0.0.1:$port/proxy/"
old=$(tree "$server" | tail -n 1)
kill -HUP "$server"
await sh -c "! kill -0 $old"
result 'index after a reload' fetch /
result 'error log' sh -c "grep -oE '\[(alert|crit|emerg)\].*' logs/error.log"
stop QUIT

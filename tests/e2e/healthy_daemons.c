/* SPDX-License-Identifier: MIT */
/*
 * healthy_daemons.c - the table of healthy.h. Each serves on 127.0.0.1:{port} in the foreground,
 * from its own directory; data, not code.
 */
#include "healthy.h"

#define B(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}
#define HTTP_REQUEST B("GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n")
#define HTTP_END B("healthy\n")

/* FastCGI: begin (responder, keep), parameters, no more of them, no input. */
static const char fcgi_request[] = "\1\1\0\1\0\x08\0\0\0\1\1\0\0\0\0\0"
				   "\1\4\0\1\0\x38\0\0"
				   "\x0f\x14SCRIPT_FILENAME/proc/self/cwd/i.php"
				   "\x0e\x03REQUEST_METHODGET"
				   "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0";

/* PostgreSQL's: version 3, user and database; and a query. */
static const char pg_start[] = "\0\0\0\x26\0\3\0\0user\0fdwhy\0database\0postgres\0\0";
static const char pg_query[] = "Q\0\0\0\x1bselect count(*) from t\0";

const struct healthy daemons[] = {
	{
		.name = "redis",
		.argv = {"redis-server", "--port", "{port}", "--bind", "127.0.0.1", "--save", "1 1",
			 "--dir", "{dir}", "--appendonly", "yes"},
		.request = B("INCR n\r\nPING\r\n"),
		.answer_end = B("+PONG\r\n"),
	},
	{
		.name = "nginx",
		.argv = {"/usr/sbin/nginx", "-c", "{dir}/conf", "-p", "{dir}", "-e", "stderr"},
		.conf = "daemon off;\npid {dir}/pid;\nerror_log stderr;\nworker_processes 2;\n"
			"user {user} {group};\nevents { worker_connections 256; }\nhttp {\n"
			" access_log {dir}/log;\n client_body_temp_path {dir}/t1;\n"
			" proxy_temp_path {dir}/t2;\n fastcgi_temp_path {dir}/t3;\n"
			" uwsgi_temp_path {dir}/t4;\n scgi_temp_path {dir}/t5;\n"
			" open_file_cache max=100;\n server {\n  listen 127.0.0.1:{port};\n"
			"  root {dir}/www;\n }\n}\n",
		.request = HTTP_REQUEST,
		.answer_end = HTTP_END,
	},
	{
		.name = "memcached",
		.argv = {"memcached", "-p", "{port}", "-l", "127.0.0.1", "-u", "{user}", "-U", "0",
			 "-t", "2"},
		.request = B("set k 0 0 1\r\nv\r\nget k\r\n"),
		.answer_end = B("END\r\n"),
	},
	{
		.name = "haproxy",
		.argv = {"/usr/sbin/haproxy", "-db", "-f", "{dir}/conf"},
		/* Its own server: no idle connections to it, accepted where those of clients are.
		 */
		.conf = "global\n nbthread 2\n maxconn 200\ndefaults\n mode http\n timeout connect "
			"5s\n"
			" timeout client 30s\n timeout server 30s\n"
			"frontend front\n bind 127.0.0.1:{port}\n default_backend back\n"
			"backend back\n"
			" server one 127.0.0.1:{port2} check inter 500ms pool-max-conn 0\n"
			"frontend one\n bind 127.0.0.1:{port2}\n"
			" http-request return status 200 content-type text/plain string "
			"\"healthy\\n\"\n",
		.request = HTTP_REQUEST,
		.answer_end = HTTP_END,
	},
	{
		.name = "lighttpd",
		.argv = {"/usr/sbin/lighttpd", "-D", "-f", "{dir}/conf"},
		.conf = "server.document-root = \"{dir}/www\"\nserver.bind = \"127.0.0.1\"\n"
			"server.port = {port}\nserver.max-keep-alive-requests = 1000\n",
		.request = HTTP_REQUEST,
		.answer_end = HTTP_END,
	},
	{
		.name = "python",
		.argv = {"/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "-d",
			 "{dir}/www", "{port}"},
		.request = HTTP_REQUEST,
		.answer_end = HTTP_END,
		.one_request = true,
	},
	{
		.name = "dovecot",
		.as_root = true,
		.argv = {"/usr/sbin/dovecot", "-F", "-c", "{dir}/conf"},
		.conf = "base_dir = {dir}/run\nstate_dir = {dir}/state\nprotocols = imap\n"
			"listen = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\n"
			"log_path = {dir}/log\npassdb {\n driver = static\n"
			" args = password=secret\n}\nuserdb {\n driver = static\n"
			" args = uid=nobody gid=nogroup home={dir}/home\n}\n"
			"mail_max_userip_connections = 100\n"
			"mail_location = maildir:{dir}/home/mail\nservice imap-login {\n"
			" inet_listener imap {\n  port = {port}\n }\n inet_listener imaps {\n"
			"  port = 0\n }\n}\n",
		.before = "mkdir -m 777 {dir}/home",
		.greeting = B("* OK"),
		.hello = B("a LOGIN user secret\r\n"),
		.hello_end = B("a OK"),
		.request = B("b SELECT INBOX\r\nc NOOP\r\n"),
		.answer_end = B("c OK"),
	},
	{
		.name = "node",
		.big = true,
		.argv = {"node", "{dir}/conf"},
		.conf = "require('http').createServer((q, s) => "
			"require('fs').readFile('{dir}/www/index.html', (e, d) => s.end(d)))"
			".listen({port}, '127.0.0.1');\n",
		.request = HTTP_REQUEST,
		.answer_end = HTTP_END,
	},
	{
		.name = "sshd",
		.big = true,
		.as_root = true,
		.argv = {"/usr/sbin/sshd", "-D", "-e", "-f", "{dir}/conf"},
		.conf = "Port {port}\nListenAddress 127.0.0.1\nHostKey {dir}/key\nPidFile "
			"{dir}/pid\n"
			"MaxStartups 1000\nPerSourceMaxStartups none\nUsePAM no\n",
		.before = "mkdir -p /run/sshd && ssh-keygen -q -t ed25519 -N '' -f {dir}/key",
		.greeting = B("SSH-2.0"),
		.request = B("SSH-2.0-fdwhy\r\n"),
		.answer_end = B("ssh-ed25519"),
		.round_ms = 500, /* a connection is two processes */
		.one_request = true,
	},
	{
		.name = "apache2",
		.big = true,
		.argv = {"/usr/sbin/apache2", "-DFOREGROUND", "-f", "{dir}/conf"},
		.conf = "ServerRoot /usr/lib/apache2\nServerName localhost\n"
			"LoadModule mpm_prefork_module modules/mod_mpm_prefork.so\n"
			"LoadModule authz_core_module modules/mod_authz_core.so\n"
			"Mutex file:{dir}\nPidFile {dir}/pid\nErrorLog {dir}/log\n"
			"DefaultRuntimeDir {dir}\nUser {user}\nGroup {group}\n"
			"Listen 127.0.0.1:{port}\nDocumentRoot {dir}/www\nStartServers 4\n"
			"MaxRequestWorkers 40\nMaxConnectionsPerChild 200\n",
		.request = HTTP_REQUEST,
		.answer_end = HTTP_END,
	},
	{
		.name = "php-fpm",
		.big = true,
		.argv = {"/usr/sbin/php-fpm8.2", "-n", "-F", "-R", "-y", "{dir}/conf"},
		.conf = "[global]\nerror_log = {dir}/log\n[www]\nlisten = 127.0.0.1:{port}\n"
			"user = {user}\ngroup = {group}\npm = dynamic\npm.max_children = 32\n"
			"pm.start_servers = 4\npm.min_spare_servers = 2\npm.max_spare_servers = 6\n"
			"pm.max_requests = 100\nchdir = {dir}/www\n",
		.before = "echo '<?php fclose(fopen(__FILE__, \"r\")); print(1);' >{dir}/www/i.php",
		.request = B(fcgi_request),
		.answer_end = B("\1\3\0\1\0\x08\0\0\0\0\0\0\0\0\0\0"),
	},
	{
		.name = "postgres",
		.big = true,
		.runs = "postgres",
		.argv = {"/usr/lib/postgresql/15/bin/postgres", "-D", "{dir}/data", "-p", "{port}",
			 "-h", "127.0.0.1", "-k", "{dir}/data", "-c", "max_connections=60"},
		.before = "PATH=$PATH:/usr/lib/postgresql/15/bin; initdb -D {dir}/data -U fdwhy -A "
			  "trust "
			  "-N && echo 'create table t(i int)' | "
			  "postgres --single -D {dir}/data postgres",
		.hello = B(pg_start),
		.hello_end = B("Z\0\0\0\5I"),
		.request = B(pg_query),
		.round_ms = 200, /* a connection is a process */
		.answer_end = B("Z\0\0\0\5I"),
	},
};

const size_t daemons_count = sizeof(daemons) / sizeof(daemons[0]);

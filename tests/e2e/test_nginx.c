/* SPDX-License-Identifier: MIT */
/*
 * test_nginx.c - nginx in front of a backend on a UNIX socket that has stopped accepting:
 * "connect() to unix:... failed (11: Resource temporarily unavailable)". The report names the
 * backend, the backlog it asked for and that it does not accept.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "harness.h"

#define CLIENTS 8

static const char config[] =
	"daemon off;\n"
	"pid %1$s/nginx.pid;\n"
	"error_log %1$s/log info;\n"
	"worker_processes 1;\n"
	"events { worker_connections 64; }\n"
	"http {\n"
	" access_log off;\n"
	" client_body_temp_path %1$s/t1; proxy_temp_path %1$s/t2; fastcgi_temp_path %1$s/t3;\n"
	" uwsgi_temp_path %1$s/t4; scgi_temp_path %1$s/t5;\n"
	" server {\n"
	"  listen 127.0.0.1:%2$d;\n"
	"  location / { proxy_pass http://unix:%1$s/backend:/; }\n"
	" }\n"
	"}\n";

struct front {
	const struct work *w;
	int port, clients[CLIENTS];
	struct proc nginx, backend;
};

static void start_backend(struct front *f)
{
	char path[512];
	char *argv[] = {ARG(built("targets/stalled_backend")), path, "1", NULL};

	strcpy(path, work_path(f->w, "backend"));
	f->backend = preload_start(f->w, work_path(f->w, "s"), argv);
	assert_true(proc_says(&f->backend, "listening"));
}

static bool answers(void *arg)
{
	int fd = port_connect(((struct front *)arg)->port);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void start_nginx(struct front *f)
{
	char conf[512], prefix[512];
	char *argv[] = {"/usr/sbin/nginx", "-c", conf, "-p", prefix, "-e", "stderr", NULL};

	strcpy(conf, work_path(f->w, "nginx.conf"));
	strcpy(prefix, f->w->dir);
	f->port = port_free();
	file_write(conf, config, f->w->dir, f->port);
	f->nginx = preload_start(f->w, work_path(f->w, "s"), argv);
	if (!wait_until(answers, f, 30)) {
		print_error("%s", file_text(f->nginx.err));
		fail_msg("nginx does not start");
	}
}

static void request(struct front *f, int i)
{
	static const char get[] = "GET / HTTP/1.0\r\n\r\n";

	f->clients[i] = port_connect(f->port);
	assert_true(f->clients[i] >= 0);
	assert_int_equal(send(f->clients[i], get, sizeof(get) - 1, 0), sizeof(get) - 1);
}

static bool log_has_error(void *arg)
{
	char *log = file_text(work_path(((struct front *)arg)->w, "log"));
	bool has = strstr(log, "failed (11: Resource temporarily unavailable)");

	free(log);
	return has;
}

static void expect_backend(struct front *f, json_object *r)
{
	json_object *e = find_site(r, "eagain", "connect", NULL);

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "listener-backlog-full");
	assert_string_equal(text_of(e, "severity"), "failure");
	assert_string_equal(text_of(e, "target.path"), work_path(f->w, "backend"));
	assert_int_equal(number_of(e, "evidence.listener_pid"), f->backend.pid);
	assert_string_equal(text_of(e, "evidence.listener_comm"), "stalled_backend");
	assert_int_equal(number_of(e, "evidence.backlog"), 1);
	assert_true(stack_has(e, "evidence.listener_stack", "listen_on"));
	assert_true(number_of(e, "evidence.last_accept_age_ns") >= 0);
	assert_non_null(strstr(text_of(e, "sentence"), " (stalled_backend) had "));
	assert_non_null(strstr(text_of(e, "advice"), "listener"));
	assert_int_equal(number_of(e, "now.queue"), 2); /* a backlog of 1 admits 2 */
	assert_true(now_is_in(e, f->backend.pid, "hang"));
}

static void the_backend_that_does_not_accept_is_named(void **state)
{
	struct front f = {.w = *state};
	json_object *r;

	SKIP_UNLESS(installed("nginx"), "nginx is not installed");
	start_backend(&f);
	start_nginx(&f);
	request(&f, 0);
	assert_true(proc_says(&f.backend, "ready")); /* has accepted for the last time */
	for (int i = 1; i < CLIENTS; i++)
		request(&f, i);
	assert_true(wait_until(log_has_error, &f, 30));
	r = report_of(f.w, work_path(f.w, "s"));
	expect_backend(&f, r);
	json_object_put(r);
	for (int i = 0; i < CLIENTS; i++)
		close(f.clients[i]);
	assert_int_equal(proc_stop(&f.nginx, SIGTERM), 0);
	assert_int_equal(proc_wait(&f.backend), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_backend_that_does_not_accept_is_named,
						work_begin, work_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

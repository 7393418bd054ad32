/* SPDX-License-Identifier: MIT */
/*
 * test_fds.c - who has what open: states of open fds and the other ends, and the one screen of
 * `fdwhy fds`, of sessions that live and of those that are over.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static char target_path[512];

static struct proc start(const struct work *w, const char *name, char *way)
{
	char *argv[] = {target_path, way, way ? ARG("wait") : NULL, NULL};
	char relative[64];
	struct proc p;

	snprintf(relative, sizeof(relative), "targets/%s", name);
	strcpy(target_path, built(relative));
	p = preload_start(w, work_path(w, "s"), argv);
	assert_true(proc_says(&p, "ready"));
	return p;
}

static void stop(struct proc *p)
{
	proc_close_input(p);
	assert_int_equal(proc_wait(p), 0);
}

/* The open fd of `pid` that was born by `call` in `function`, and of this kind. */
static json_object *open_fd(json_object *r, int pid, const char *call, const char *function,
			    const char *kind)
{
	json_object *list = field(r, "open_fds");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		if (number_of(o, "pid") == pid && !strcmp(text_of(o, "call"), call) &&
		    !strcmp(text_of(o, "kind"), kind) && stack_has(o, "stack", function))
			return o;
	}
	return NULL;
}

static void what_the_kernel_knows_of_open_fds_is_told(void **state)
{
	struct proc p = start(*state, "fd_states", NULL);
	json_object *r = report_of(*state, work_path(*state, "s")), *o;
	char child[64];

	o = open_fd(r, p.pid, "accept", "forget_connection", "tcp");
	assert_non_null(o);
	assert_string_equal(text_of(o, "tcp_state"), "CLOSE-WAIT");
	assert_true(json_object_get_boolean(field(o, "half_dead")));
	assert_int_equal(strncmp(text_of(o, "peer"), "127.0.0.1:", 10), 0);
	assert_int_equal(
		number_of(find_site(r, "fds", "accept", "forget_connection"), "numbers.half_dead"),
		4);
	o = open_fd(r, p.pid, "open", "open_deleted", "file");
	assert_true(json_object_get_boolean(field(o, "deleted")));
	o = open_fd(r, p.pid, "pipe", "make_pairs", "pipe-read");
	snprintf(child, sizeof(child), "(%s)", "fd_states");
	assert_non_null(strstr(text_of(o, "peer"), child));
	o = open_fd(r, p.pid, "pipe", "make_orphans", "pipe-write");
	assert_non_null(o);
	assert_true(!*text_of(o, "peer") || !strcmp(text_of(o, "peer"), "nobody reads"));
	o = open_fd(r, p.pid, "socketpair", "make_pairs", "unix-stream");
	assert_false(json_object_get_boolean(field(o, "half_dead")));
	o = open_fd(r, p.pid, "socketpair", "make_orphans", "unix-stream");
	assert_true(json_object_get_boolean(field(o, "half_dead")));
	o = open_fd(r, p.pid, "socket", "make_unaccepted", "unix-stream");
	assert_false(json_object_get_boolean(field(o, "half_dead")));
	assert_string_equal(text_of(o, "peer"), "not accepted yet");
	o = open_fd(r, p.pid, "socketpair", "make_in_flight", "unix-stream");
	assert_false(json_object_get_boolean(field(o, "half_dead")));
	assert_true(!*text_of(o, "peer") || strstr(text_of(o, "peer"), "in no process"));
	json_object_put(r);
	stop(&p);
}

static char *screen(const struct work *w, char *option)
{
	char fdwhy[512], session[512];
	char *argv[] = {fdwhy, ARG("fds"), session, option, NULL};
	struct proc p;

	strcpy(fdwhy, built("fdwhy"));
	strcpy(session, work_path(w, "s"));
	assert_int_equal(run(w, argv, NULL, &p), 0);
	return file_text(p.out);
}

/* Each fd once, though a fork of the target has copies. */
static void the_report_tells_the_states_of_a_site(void **state)
{
	const struct work *w = *state;
	struct proc p = start(w, "fd_states", NULL), q;
	char *fdwhy = strdup(built("fdwhy")), *session = strdup(work_path(w, "s")), *text;
	char *argv[] = {fdwhy, ARG("report"), ARG("--all"), session, NULL};

	assert_int_equal(run(w, argv, NULL, &q), 0);
	stop(&p);
	text = file_text(q.out);
	if (!strstr(text, "     now: 4 CLOSE-WAIT; other end: 1 127.0.0.1:"))
		print_error("%s\n", text);
	assert_non_null(strstr(text, "     now: 4 CLOSE-WAIT; other end: 1 127.0.0.1:"));
	assert_non_null(strstr(text, "     now: 1 deleted"));
	assert_non_null(strstr(text, "(fd_states)"));
	free(text);
	free(session);
	free(fdwhy);
}

static size_t lines(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void one_screen_answers_who_what_and_where(void **state)
{
	struct proc p = start(*state, "lifetime", ARG("leak"));
	char *text = screen(*state, NULL);

	assert_non_null(strstr(text, "One process"));
	assert_non_null(strstr(text, "fds open now in 1 process"));
	assert_non_null(strstr(text, "LIMIT SOFT/HARD"));
	assert_non_null(strstr(text, "leak_files"));
	assert_non_null(strstr(text, "20 /dev/null"));
	assert_true(lines(text) <= 24);
	free(text);
	stop(&p);
	text = screen(*state, NULL);
	assert_non_null(strstr(text, "at the end"));
	assert_non_null(strstr(text, "leak "));
	free(text);
}

static void the_same_is_there_for_machines(void **state)
{
	struct proc p = start(*state, "lifetime", ARG("leak"));
	char *text = screen(*state, ARG("--json"));
	json_object *o = json_tokener_parse(text), *x;

	assert_non_null(o);
	x = json_object_array_get_idx(field(o, "processes"), 0);
	assert_int_equal(number_of(x, "pid"), p.pid);
	assert_true(number_of(x, "open") >= 20);
	assert_true(number_of(x, "limit_soft") > 0);
	assert_string_equal(text_of(json_object_array_get_idx(field(o, "commands"), 0), "comm"),
			    "lifetime");
	assert_true(json_object_array_length(field(o, "kinds")) > 0);
	x = json_object_array_get_idx(field(o, "sites"), 0);
	assert_int_equal(number_of(x, "open"), 20);
	assert_true(stack_has(x, "stack", "leak_files"));
	assert_true(number_of(o, "system.file_max") > 0);
	json_object_put(o);
	free(text);
	stop(&p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(what_the_kernel_knows_of_open_fds_is_told),
		T(the_report_tells_the_states_of_a_site),
		T(one_screen_answers_who_what_and_where),
		T(the_same_is_there_for_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

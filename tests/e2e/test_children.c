/* SPDX-License-Identifier: MIT */
/*
 * test_children.c - what goes through an exec into a program that never uses it: who opened it, and
 * what stays open by that alone. And what is none: workers, what is used, what is meant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static char target_path[512];

static struct proc start(const struct work *w, const char *way)
{
	char *argv[] = {target_path, ARG(way), NULL};
	struct proc p;

	strcpy(target_path, built("targets/child_leak"));
	p = preload_start(w, work_path(w, "s"), argv);
	assert_true(proc_says(&p, "ready"));
	return p;
}

static void stop(struct proc *p)
{
	proc_close_input(p);
	assert_int_equal(proc_wait(p), 0);
}

static json_object *living(const struct work *w, const char *way)
{
	struct proc p = start(w, way);
	json_object *r = report_of(w, work_path(w, "s"));

	stop(&p);
	return r;
}

static void expect_leaked(json_object *r, const char *call, const char *function, bool listening)
{
	json_object *c = find_site(r, "child_leaks", call, function);

	assert_non_null(c);
	assert_int_equal(number_of(c, "alive"), number_of(c, "fds"));
	assert_int_equal(number_of(c, "kept"), 1);
	assert_int_equal(json_object_get_boolean(field(c, "listening")), listening);
	assert_string_equal(text_of(c, "owner_comm"), "child_leak");
}

static void what_a_forked_program_keeps_open_is_named(void **state)
{
	json_object *r = living(*state, "fork");

	expect_leaked(r, "socket", "open_listener", true);
	expect_leaked(r, "accept4", "accept_client", false);
	assert_int_equal(number_of(r, "totals.child_leaks"), 2);
	json_object_put(r);
}

/* Through posix_spawn and a shell, which know nothing of it: the parent's record does. */
static void what_a_spawned_program_keeps_open_is_named(void **state)
{
	json_object *r = living(*state, "spawn");

	expect_leaked(r, "socket", "open_listener", true);
	expect_leaked(r, "accept4", "accept_client", false);
	assert_int_equal(number_of(r, "totals.child_leaks"), 2);
	json_object_put(r);
}

static void a_program_that_ended_leaves_a_note(void **state)
{
	json_object *r = living(*state, "short"), *c;

	c = find_site(r, "child_leaks", "socket", "open_listener");
	assert_non_null(c);
	assert_int_equal(number_of(c, "fds"), 1);
	assert_int_equal(number_of(c, "alive"), 0);
	assert_int_equal(number_of(c, "kept"), 0);
	json_object_put(r);
}

static void expect_none(const struct work *w, const char *way)
{
	json_object *r = living(w, way), *list = field(r, "child_leaks");

	if (json_object_array_length(list))
		print_error("%s: %s\n", way, json_object_to_json_string(list));
	assert_int_equal(json_object_array_length(list), 0);
	json_object_put(r);
}

static void what_is_used_or_meant_is_none(void **state)
{
	expect_none(*state, "used");
}

static void workers_of_a_prefork_server_are_none(void **state)
{
	expect_none(*state, "prefork");
}

static void a_listener_that_a_program_leaves_to_its_workers_is_none(void **state)
{
	expect_none(*state, "served");
}

static void what_is_closed_on_exec_is_none(void **state)
{
	expect_none(*state, "cloexec");
}

static void the_report_says_it_to_people(void **state)
{
	const struct work *w = *state;
	char fdwhy[512], session[512];
	char *argv[] = {fdwhy, ARG("report"), session, NULL};
	struct proc p = start(w, "fork"), q;
	char *text;

	strcpy(fdwhy, built("fdwhy"));
	strcpy(session, work_path(w, "s"));
	assert_int_equal(run(w, argv, NULL, &q), 0);
	stop(&p);
	text = file_text(q.out);
	assert_non_null(strstr(text, "tcp of accept4 leaked into other programs: 1 never used"));
	assert_non_null(strstr(text, "1 kept open by that alone: the peer is not told"));
	assert_non_null(strstr(text, "the address stays taken"));
	assert_non_null(strstr(text, "open it with SOCK_CLOEXEC"));
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(what_a_forked_program_keeps_open_is_named),
		T(what_a_spawned_program_keeps_open_is_named),
		T(a_program_that_ended_leaves_a_note),
		T(what_is_used_or_meant_is_none),
		T(workers_of_a_prefork_server_are_none),
		T(a_listener_that_a_program_leaves_to_its_workers_is_none),
		T(what_is_closed_on_exec_is_none),
		T(the_report_says_it_to_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_limits.c - no more fd can be had: what was open at that instant is kept, with who opened it
 * and who set the limit, and a server that spins over accept() is told from one that failed once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static char *target(const char *name)
{
	char relative[64];

	snprintf(relative, sizeof(relative), "targets/%s", name);
	return ARG(built(relative));
}

static json_object *record(const struct work *w, char *const argv[])
{
	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	return report_of(w, work_path(w, "s"));
}

static json_object *item(json_object *list, size_t i)
{
	return json_object_array_get_idx(list, i);
}

/* Place `i` of those that had most open then. */
static json_object *top(json_object *snapshot, size_t i)
{
	return item(field(snapshot, "sites"), i);
}

static void what_was_open_is_kept_with_no_fd_free(void **state)
{
	char *argv[] = {target("emfile_accept"), "50", NULL};
	json_object *r = record(*state, argv), *x = item(field(r, "at_limit"), 0);
	int64_t clients, accepted, open;

	assert_non_null(x);
	assert_string_equal(text_of(x, "errno"), "EMFILE");
	assert_int_equal(number_of(x, "limit_soft"), 40);
	open = number_of(x, "open");
	assert_true(open >= 40); /* more when one above the limit was inherited */
	assert_true(stack_has(top(x, 0), "stack", "be_a_client"));
	assert_true(stack_has(top(x, 1), "stack", "accept_another"));
	clients = number_of(top(x, 0), "open");
	accepted = number_of(top(x, 1), "open");
	assert_true(clients >= accepted);
	assert_int_equal(clients + accepted + 1 + number_of(x, "inherited"), open);
	assert_true(number_of(x, "kinds.unix-stream") >= clients + accepted + 1);
	json_object_put(r);
}

static void who_set_the_limit_is_named(void **state)
{
	char *own[] = {target("emfile_accept"), "1", NULL};
	json_object *r = record(*state, own), *x = item(field(r, "at_limit"), 0);

	assert_string_equal(text_of(x, "set_by"), "process");
	assert_true(stack_has(x, "set_stack", "lower_the_limit"));
	json_object_put(r);
}

/* The shell sets it and becomes the program that fails. */
static void who_set_the_limit_is_known_after_an_exec(void **state)
{
	char command[600];
	char *argv[] = {"/bin/sh", "-c", command, NULL};
	json_object *r, *x;

	snprintf(command, sizeof(command), "ulimit -n 40; exec %s 1 0 keep",
		 target("emfile_accept"));
	r = record(*state, argv);
	x = item(field(r, "at_limit"), 0);
	assert_int_equal(number_of(x, "limit_soft"), 40);
	assert_string_equal(text_of(x, "set_by"), "process");
	assert_non_null(field(x, "set_stack"));
	json_object_put(r);
}

static void a_limit_from_before_the_start_is_told_so(void **state)
{
	const struct work *w = *state;
	char command[1600];
	char *argv[] = {"/bin/sh", "-c", command, NULL};
	json_object *r, *x;

	snprintf(command, sizeof(command), "ulimit -n 40; exec %s run -q -o %s -- %s 1 0 keep",
		 built("fdwhy"), work_path(w, "s"), target("emfile_accept"));
	assert_int_equal(run(w, argv, NULL, NULL), 0);
	r = report_of(w, work_path(w, "s"));
	x = item(field(r, "at_limit"), 0);
	assert_int_equal(number_of(x, "limit_soft"), 40);
	assert_string_equal(text_of(x, "set_by"), "start");
	assert_null(field(x, "set_stack"));
	json_object_put(r);
}

static void a_loop_over_accept_is_recognised(void **state)
{
	char *argv[] = {target("emfile_accept"), "300", "300", NULL};
	json_object *r = record(*state, argv);
	json_object *e = find_site(r, "limits", "accept", "serve");

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "accept-busy-loop");
	assert_true(number_of(e, "run") >= 20);
	assert_true(json_object_get_double(field(e, "rate_per_s")) >= 100);
	assert_non_null(strstr(text_of(e, "sentence"), "a busy loop: accept"));
	e = find_site(r, "limits", "socket", "be_a_client");
	assert_string_equal(text_of(e, "cause"), "descriptor-limit");
	json_object_put(r);
}

static void a_full_file_table_is_the_systems(void **state)
{
	char *argv[] = {target("enfile"), NULL};
	json_object *r = record(*state, argv), *x = item(field(r, "at_limit"), 0);
	json_object *e = find_site(r, "limits", "socket", "want_a_socket");

	assert_non_null(e);
	assert_string_equal(text_of(e, "errno"), "ENFILE");
	assert_string_equal(text_of(e, "cause"), "system-limit");
	assert_string_equal(text_of(x, "errno"), "ENFILE");
	assert_int_equal(number_of(top(x, 0), "open"), 10);
	assert_true(stack_has(top(x, 0), "stack", "leave_open"));
	json_object_put(r);
}

static void the_report_shows_it_to_people(void **state)
{
	const struct work *w = *state;
	char *argv[] = {target("emfile_accept"), "300", "300", NULL};
	char *report[] = {ARG(built("fdwhy")), "report", ARG(work_path(w, "s")), NULL};
	struct proc p;
	char *text;

	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	assert_int_equal(run(w, report, NULL, &p), 0);
	text = file_text(p.out);
	assert_non_null(strstr(text, " open, the limit is 40 (soft; hard 40); a busy loop"));
	assert_non_null(strstr(text, "open then in emfile_accept"));
	assert_non_null(strstr(text, "by socket in be_a_client"));
	assert_non_null(strstr(text, "set by the process itself, in lower_the_limit"));
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(what_was_open_is_kept_with_no_fd_free),
		T(who_set_the_limit_is_named),
		T(who_set_the_limit_is_known_after_an_exec),
		T(a_limit_from_before_the_start_is_told_so),
		T(a_loop_over_accept_is_recognised),
		T(a_full_file_table_is_the_systems),
		T(the_report_shows_it_to_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

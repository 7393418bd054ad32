/* SPDX-License-Identifier: MIT */
/*
 * test_leaks.c - servers and clients that forget sockets, also until nothing more can be opened:
 * the place is named, with what it is connected to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static json_object *record(const struct work *w, const char *name, const char *n)
{
	char path[512], relative[64];
	char *argv[] = {path, ARG(n), NULL};

	snprintf(relative, sizeof(relative), "targets/%s", name);
	strcpy(path, built(relative));
	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	return report_of(w, work_path(w, "s"));
}

static json_object *expect_leak(json_object *r, const char *call, const char *function, int open)
{
	json_object *f = find_site(r, "fds", call, function);

	assert_non_null(f);
	assert_int_equal(number_of(f, "open"), open);
	assert_string_equal(text_of(f, "verdict"), "leak");
	return f;
}

static void a_client_that_forgets_its_sockets(void **state)
{
	json_object *r = record(*state, "leak_socket", "20");
	json_object *f = expect_leak(r, "socket", "connect_and_forget", 20);
	json_object *target = json_object_array_get_idx(field(f, "targets"), 0);

	assert_string_equal(text_of(f, "kind"), "tcp");
	assert_non_null(target);
	assert_int_equal(strncmp(json_object_get_string(target), "127.0.0.1:", 10), 0);
	f = find_site(r, "fds", "accept", "accept_and_close");
	assert_int_equal(number_of(f, "open"), 0);
	json_object_put(r);
}

static void a_server_that_forgets_its_connections(void **state)
{
	json_object *r = record(*state, "leak_accept", "20");

	expect_leak(r, "accept4", "accept_and_forget", 20);
	assert_int_equal(number_of(find_site(r, "fds", "socket", "be_a_client"), "open"), 0);
	assert_int_equal(number_of(r, "totals.leaks"), 1); /* the listener is none */
	json_object_put(r);
}

static void a_server_at_its_limit_cannot_accept(void **state)
{
	json_object *r = record(*state, "emfile_accept", "50");
	json_object *e = find_site(r, "limits", "accept", "accept_another");

	assert_non_null(e);
	assert_string_equal(text_of(e, "errno"), "EMFILE");
	assert_true(number_of(r, "totals.limit") >= 51);
	assert_non_null(find_site(r, "limits", "socket", "be_a_client"));
	json_object_put(r);
}

/* The compiler made four places of one line; they are judged, and shown, as one. */
static void one_line_that_was_unrolled_is_one_place(void **state)
{
	json_object *r = record(*state, "leak_unrolled", "20");
	json_object *f = expect_leak(r, "open", "open_many", 20);

	assert_int_equal(number_of(f, "opened"), 20);
	assert_int_equal(number_of(r, "totals.leaks"), 1);
	assert_non_null(field(f, "numbers.confidence"));
	assert_int_equal(json_object_array_length(field(f, "numbers.floor")), 3);
	json_object_put(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(a_client_that_forgets_its_sockets),
		T(a_server_that_forgets_its_connections),
		T(one_line_that_was_unrolled_is_one_place),
		T(a_server_at_its_limit_cannot_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

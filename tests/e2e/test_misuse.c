/* SPDX-License-Identifier: MIT */
/*
 * test_misuse.c - closing what is somebody else's, or a standard fd; and what only looks like it.
 * Double close and use after close: test_lifetime.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static json_object *record(const struct work *w, const char *way)
{
	char *target = strdup(built("targets/misuse"));
	char *plugin = strdup(built("targets/misuse_plugin"));
	char *argv[] = {target, ARG(way), plugin, NULL};

	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	free(target);
	free(plugin);
	return report_of(w, work_path(w, "s"));
}

static json_object *record_quarantined(const struct work *w, const char *way)
{
	char *argv[] = {strdup(built("fdwhy")),
			ARG("run"),
			ARG("-q"),
			ARG("--quarantine"),
			ARG("-o"),
			strdup(work_path(w, "q")),
			strdup(built("targets/misuse")),
			ARG(way),
			NULL};

	assert_int_equal(run(w, argv, NULL, NULL), 0);
	free(argv[0]);
	free(argv[5]);
	free(argv[6]);
	return report_of(w, work_path(w, "q"));
}

static char *text_report(const struct work *w)
{
	char *fdwhy = strdup(built("fdwhy")), *session = strdup(work_path(w, "s"));
	char *argv[] = {fdwhy, ARG("report"), session, NULL};
	struct proc p;

	assert_int_equal(run(w, argv, NULL, &p), 0);
	free(fdwhy);
	free(session);
	return file_text(p.out);
}

static void who_closes_what_another_module_still_uses_is_blamed(void **state)
{
	json_object *r = record(*state, "foreign");
	json_object *m = find_site(r, "misuse", "read", "use_it");
	char *text;

	assert_non_null(m);
	assert_string_equal(text_of(m, "kind"), "foreign-close");
	assert_true(stack_has(m, "death_stack", "plugin_close"));
	assert_true(stack_has(m, "birth_stack", "open_it"));
	m = find_site(r, "misuse", "close", "close_it"); /* the owner's own close comes too late */
	assert_string_equal(text_of(m, "kind"), "foreign-close");
	json_object_put(r);
	text = text_report(*state);
	assert_non_null(strstr(text, "misuse_plugin closed what misuse opened and still used"));
	free(text);
}

static void closing_a_modules_own_fd_again_is_a_double_close(void **state)
{
	json_object *r = record(*state, "plugins_own");
	json_object *m = find_site(r, "misuse", "close", "close_it");

	assert_string_equal(text_of(m, "kind"), "double-close");
	assert_true(stack_has(m, "death_stack", "plugin_close"));
	assert_int_equal(number_of(r, "totals.misuse"), 1);
	json_object_put(r);
}

static void a_socket_in_place_of_standard_error_is_misuse(void **state)
{
	json_object *r = record(*state, "standard");
	json_object *m = find_site(r, "misuse", "close", "close_standard");
	char *text;

	assert_non_null(m);
	assert_string_equal(text_of(m, "kind"), "standard-close");
	assert_string_equal(text_of(m, "fd_kind"), "unix-stream");
	assert_int_equal(number_of(m, "fd"), 2);
	assert_true(stack_has(m, "birth_stack", "open_stray"));
	json_object_put(r);
	text = text_report(*state);
	assert_non_null(strstr(text, "standard error (2) was closed and a unix-stream got"));
	free(text);
}

/* Told of the close that emptied it, not of each stray that stood there. */
static void what_stands_in_a_standard_place_again_and_again_is_told_once(void **state)
{
	json_object *r = record(*state, "standard_again");

	assert_non_null(find_site(r, "misuse", "close", "close_standard"));
	assert_int_equal(number_of(r, "totals.misuse"), 1);
	json_object_put(r);
}

static void a_stranger_is_hit_unless_numbers_are_held_back(void **state)
{
	json_object *r = record(*state, "stranger"), *m, *list;

	assert_int_equal(number_of(r, "totals.misuse"), 0); /* nothing could be seen */
	json_object_put(r);
	r = record_quarantined(*state, "stranger");
	m = find_site(r, "misuse", "read", "stranger");
	assert_non_null(m);
	assert_string_equal(text_of(m, "kind"), "use-after-close");
	assert_true(stack_has(m, "birth_stack", "open_it"));
	assert_int_equal(number_of(r, "totals.misuse"), 1);
	list = field(r, "coverage");
	assert_int_equal(json_object_array_length(list), 0);
	assert_true(number_of(r, "quarantine") > 0);
	json_object_put(r);
}

static void a_number_held_back_is_closed_to_all_calls_and_given_back_in_need(void **state)
{
	json_object *r = record(*state, "dead"), *list;

	json_object_put(r);
	r = record_quarantined(*state, "dead");
	list = field(r, "coverage");
	if (json_object_array_length(list))
		print_error("%s\n", json_object_to_json_string(list));
	assert_int_equal(json_object_array_length(list), 0);
	json_object_put(r);
}

static void expect_none(const struct work *w, const char *way)
{
	json_object *r = record(w, way), *list = field(r, "misuse");

	if (json_object_array_length(list))
		print_error("%s: %s\n", way, json_object_to_json_string(list));
	assert_int_equal(json_object_array_length(list), 0);
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	json_object_put(r);
}

static void an_fd_that_was_handed_over_is_none(void **state)
{
	expect_none(*state, "handed_over");
}

static void standard_fds_that_are_replaced_are_none(void **state)
{
	expect_none(*state, "standard_replaced");
}

static void asking_for_closed_and_unknown_numbers_is_none(void **state)
{
	expect_none(*state, "asked");
}

static void a_fork_that_closes_its_copies_is_none(void **state)
{
	expect_none(*state, "forks_close_their_own");
}

static void a_loop_that_closes_downwards_is_none(void **state)
{
	expect_none(*state, "close_downwards");
}

static void a_list_of_open_fds_that_is_closed_with_them_is_none(void **state)
{
	expect_none(*state, "close_what_is_listed");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(who_closes_what_another_module_still_uses_is_blamed),
		T(closing_a_modules_own_fd_again_is_a_double_close),
		T(a_socket_in_place_of_standard_error_is_misuse),
		T(what_stands_in_a_standard_place_again_and_again_is_told_once),
		T(a_stranger_is_hit_unless_numbers_are_held_back),
		T(a_number_held_back_is_closed_to_all_calls_and_given_back_in_need),
		T(an_fd_that_was_handed_over_is_none),
		T(standard_fds_that_are_replaced_are_none),
		T(asking_for_closed_and_unknown_numbers_is_none),
		T(a_fork_that_closes_its_copies_is_none),
		T(a_loop_that_closes_downwards_is_none),
		T(a_list_of_open_fds_that_is_closed_with_them_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

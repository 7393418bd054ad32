/* SPDX-License-Identifier: MIT */
/*
 * test_spares.c - fork children whose record is one that others had before: all are counted, each
 * has what is its own, and no file is left when nobody has anything to say.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static json_object *record(const struct work *w, const char *way, int expected)
{
	char name[64];
	char *argv[] = {ARG(built("targets/spares")), name, NULL};

	snprintf(name, sizeof(name), "%s", way);
	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), expected);
	return report_of(w, work_path(w, "s"));
}

static void expect_processes(json_object *r, int64_t count)
{
	json_object *list = field(r, "coverage");

	if (json_object_array_length(list))
		print_error("%s\n", json_object_to_json_string(list));
	assert_int_equal(json_object_array_length(list), 0);
	assert_int_equal(number_of(r, "totals.processes"), count);
}

static int count_files(const struct work *w, const char *part)
{
	DIR *d = opendir(work_path(w, "s"));
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) /* but for the one that waits for who starts next */
		n += strstr(e->d_name, part) && strncmp(e->d_name, "spare.0.", 8) != 0;
	closedir(d);
	return n;
}

static void quiet_children_are_counted_and_leave_no_file(void **state)
{
	json_object *r = record(*state, "quiet", 0);

	expect_processes(r, 51);
	assert_int_equal(count_files(*state, ".rec"), 0);
	json_object_put(r);
}

static void what_a_child_before_had_is_not_the_next_ones(void **state)
{
	json_object *r = record(*state, "wide_then_killed", 0);
	json_object *list = field(r, "open_fds");
	int own = 0;

	expect_processes(r, 4);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		if (stack_has(o, "stack", "forget_one"))
			own++;
		else
			assert_true(json_object_get_boolean(field(o, "inherited")));
	}
	assert_int_equal(own, 1);
	assert_null(find_site(r, "fds", "dup", "open_and_close"));
	json_object_put(r);
}

static void children_that_live_at_once_have_each_their_own(void **state)
{
	json_object *r = record(*state, "at_once", 0);

	expect_processes(r, 5);
	assert_int_equal(count_files(*state, ".rec"), 0);
	json_object_put(r);
}

static void an_exec_goes_on_in_the_record_of_its_child(void **state)
{
	json_object *r = record(*state, "execs", 0), *list = field(r, "processes");
	int images = 0;

	expect_processes(r, 6);
	for (size_t i = 0; i < json_object_array_length(list); i++)
		images += (int)number_of(json_object_array_get_idx(list, i), "images");
	assert_int_equal(images, 1 + 5 * 2);
	assert_int_equal(count_files(*state, ".rec"), 0);
	json_object_put(r);
}

static bool has_both(void *arg)
{
	return count_files(arg, "spare.") == 0;
}

static void a_child_outlives_its_parent(void **state)
{
	json_object *r = record(*state, "outlive", 0);

	json_object_put(r);
	assert_true(wait_until(has_both, *state, 20));
	r = report_of(*state, work_path(*state, "s"));
	expect_processes(r, 2);
	json_object_put(r);
}

static void threads_fork_at_once(void **state)
{
	json_object *r = record(*state, "threads", 0);

	expect_processes(r, 101);
	assert_int_equal(count_files(*state, ".rec"), 0);
	json_object_put(r);
}

static void a_handler_forks_while_a_fork_is_made(void **state)
{
	json_object *r = record(*state, "handler", 0), *list = field(r, "processes");

	assert_int_equal(json_object_array_length(field(r, "coverage")), 0);
	assert_true(json_object_array_length(list) >= 202);
	for (size_t i = 0; i < json_object_array_length(list); i++)
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(number_of(json_object_array_get_idx(list, i), "pid"),
					     number_of(json_object_array_get_idx(list, k), "pid"));
	json_object_put(r);
}

/* In the parent each fork is over before its handler is: children are counted as the others. */
static void a_child_returns_from_the_handler_that_forked_it(void **state)
{
	json_object *r = record(*state, "handler_returns", 0);

	assert_true(number_of(r, "totals.processes") > 1);
	json_object_put(r);
}

static void a_child_has_no_record_but_its_own(void **state)
{
	json_object *r = record(*state, "maps", 0);

	expect_processes(r, 3);
	json_object_put(r);
}

/* What waits in the spare of a killed process is not lost. */
static void lines_of_a_killed_parent_are_read_from_its_spare(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/spares")), ARG("quiet"), ARG("wait"), NULL};
	struct proc p = preload_start(w, work_path(w, "s"), argv);
	json_object *r;

	assert_true(proc_says(&p, "ready"));
	r = report_of(w, work_path(w, "s")); /* while it lives, too */
	expect_processes(r, 51);
	json_object_put(r);
	proc_stop(&p, SIGKILL);
	assert_int_equal(count_files(w, "spare."), 1);
	r = report_of(w, work_path(w, "s"));
	expect_processes(r, 51);
	json_object_put(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(quiet_children_are_counted_and_leave_no_file),
		T(what_a_child_before_had_is_not_the_next_ones),
		T(children_that_live_at_once_have_each_their_own),
		T(an_exec_goes_on_in_the_record_of_its_child),
		T(a_child_outlives_its_parent),
		T(threads_fork_at_once),
		T(a_handler_forks_while_a_fork_is_made),
		T(a_child_returns_from_the_handler_that_forked_it),
		T(a_child_has_no_record_but_its_own),
		T(lines_of_a_killed_parent_are_read_from_its_spare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

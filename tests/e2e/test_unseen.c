/* SPDX-License-Identifier: MIT */
/*
 * test_unseen.c - what went past the shim is found by holding the slots against the kernel: counted
 * by kind, its origin called unseen; and where nothing went past it, nothing is claimed.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include "harness.h"

#define APPEARED "fd appeared unseen (raw system call or inside libc): "
#define CLOSED "fd closed unseen (raw system call or inside libc): "

/* How often `what` is listed for `pid`; 0 any. */
static int unseen(json_object *report, int pid, const char *what)
{
	json_object *list = field(report, "coverage");
	int count = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *c = json_object_array_get_idx(list, i);

		if (!strcmp(text_of(c, "what"), what) && (!pid || number_of(c, "pid") == pid))
			count += (int)number_of(c, "count");
	}
	return count;
}

static json_object *ended(const struct work *w, char *way)
{
	char *argv[] = {ARG(built("targets/unseen")), way, NULL};

	assert_int_equal(fdwhy_run(w, "s", argv), 0);
	return report_of(w, work_path(w, "s"));
}

static void pitfall_17_fds_that_passed_by_are_found_at_the_end(void **state)
{
	json_object *r = ended(*state, "end");

	assert_int_equal(unseen(r, 0, APPEARED "eventfd"), 1);
	assert_int_equal(unseen(r, 0, CLOSED "file"), 1);
	assert_int_equal(json_object_array_length(field(r, "coverage")), 2);
	json_object_put(r);
}

/* The child takes over what its parent did unseen, and tells of its own only. */
static void pitfall_17_fds_that_passed_by_are_found_after_a_fork(void **state)
{
	json_object *r = ended(*state, "fork");

	assert_int_equal(unseen(r, 0, APPEARED "inotify"), 1);
	assert_int_equal(unseen(r, 0, APPEARED "eventfd"), 1);
	assert_int_equal(unseen(r, 0, CLOSED "file"), 1);
	assert_int_equal(json_object_array_length(field(r, "coverage")), 3);
	json_object_put(r);
}

static void pitfall_17_fds_that_passed_by_are_found_in_a_living_process(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/unseen")), "live", NULL};
	struct proc p = preload_start(w, work_path(w, "s"), argv);
	json_object *r;

	assert_true(proc_says(&p, "ready"));
	r = report_of(w, work_path(w, "s"));
	assert_int_equal(unseen(r, p.pid, APPEARED "eventfd"), 1);
	assert_int_equal(unseen(r, p.pid, CLOSED "file"), 1);
	json_object_put(r);
	proc_close_input(&p);
	assert_int_equal(proc_wait(&p), 0);
}

static void expect_nothing_unseen(json_object *report, const char *target)
{
	json_object *list = field(report, "coverage");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *what = text_of(json_object_array_get_idx(list, i), "what");

		if (strstr(what, "unseen"))
			fail_msg("%s: %s", target, what);
	}
}

/* All of them end and fork with slots equal to /proc/self/fd. */
static void where_nothing_passes_by_nothing_is_claimed(void **state)
{
	char *targets[][3] = {{"targets/lifetime", "churn", NULL}, {"targets/rows", NULL},
			      {"targets/threads_fork", NULL},      {"targets/spawn", NULL},
			      {"targets/vfork_exec", NULL},        {"targets/inside_libc", NULL}};
	const struct work *w = *state;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		const char *session = work_path(w, targets[i][0] + strlen("targets/"));
		json_object *r;

		targets[i][0] = ARG(built(targets[i][0]));
		fdwhy_run(w, session, targets[i]);
		r = report_of(w, session);
		expect_nothing_unseen(r, targets[i][0]);
		json_object_put(r);
	}
}

static int open_in_kernel(int pid)
{
	char path[64];
	int count = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

/* Sixteen threads dup2 onto and close each other's numbers: no slot is left that is none. */
static void after_a_storm_of_threads_the_slots_are_the_kernels(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/threads_churn")), "2000", NULL};
	struct proc p = preload_start(w, work_path(w, "s"), argv);
	json_object *r;

	assert_true(proc_says(&p, "ready"));
	r = report_of(w, work_path(w, "s"));
	assert_int_equal(
		number_of(json_object_array_get_idx(field(r, "processes"), 0), "counts.open"),
		open_in_kernel(p.pid));
	json_object_put(r);
	proc_close_input(&p);
	assert_int_equal(proc_wait(&p), 0);
}

static int check(const struct work *w, const char *target)
{
	char *argv[] = {ARG(built("fdwhy")), "check", ARG(built(target)), NULL};

	return run(w, argv, NULL, NULL);
}

/* It loads the shim by its libc part; "nothing was opened" would be a guess. */
static void of_a_go_program_is_said_that_it_goes_past(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/go_like")), NULL};
	json_object *r;

	assert_int_equal(fdwhy_run(w, "s", argv), 128 + 9);
	r = report_of(w, work_path(w, "s"));
	assert_int_equal(unseen(r, 0, "a Go program: it makes raw system calls"), 1);
	json_object_put(r);
	assert_int_equal(check(w, "targets/go_like"), 1);
	assert_int_equal(check(w, "targets/lifetime"), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(pitfall_17_fds_that_passed_by_are_found_at_the_end),
		T(pitfall_17_fds_that_passed_by_are_found_after_a_fork),
		T(pitfall_17_fds_that_passed_by_are_found_in_a_living_process),
		T(where_nothing_passes_by_nothing_is_claimed),
		T(of_a_go_program_is_said_that_it_goes_past),
		T(after_a_storm_of_threads_the_slots_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_starts.c - programs that start with a record which another one left: all are counted, each
 * has what is its own, and who may still be writing or reading leaves none.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "harness.h"

static struct proc start(const struct work *w, const char *way)
{
	char *argv[] = {ARG(built("targets/starts")), ARG(way), NULL};

	return preload_start(w, work_path(w, "s"), argv);
}

static int run_one(const struct work *w, const char *way)
{
	struct proc p = start(w, way);
	int status;

	proc_close_input(&p);
	status = proc_wait(&p);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static json_object *report_with(const struct work *w, int64_t processes)
{
	json_object *r = report_of(w, work_path(w, "s")), *list = field(r, "coverage");

	if (json_object_array_length(list))
		print_error("%s\n", json_object_to_json_string(list));
	assert_int_equal(json_object_array_length(list), 0);
	assert_int_equal(number_of(r, "totals.processes"), processes);
	return r;
}

/* Records in the session: those that wait for a start, and others. */
static int count_waiting(const struct work *w, int *ret_others)
{
	DIR *d = opendir(work_path(w, "s"));
	struct dirent *e;
	int n = 0;

	*ret_others = 0;
	assert_non_null(d);
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, "spare.0.", 8))
			n++;
		else
			*ret_others += strstr(e->d_name, ".rec") != NULL;
	closedir(d);
	return n;
}

static void expect_files(const struct work *w, int waiting, int others)
{
	int n;

	assert_int_equal(count_waiting(w, &n), waiting);
	assert_int_equal(n, others);
}

/* More than there is room for in a record. */
static void quiet_programs_have_one_record_in_turn(void **state)
{
	const struct work *w = *state;

	for (int i = 1; i <= 40; i++) {
		assert_int_equal(run_one(w, "quiet"), 0);
		if (i % 13 <= 1)
			json_object_put(report_with(w, i));
	}
	expect_files(w, 1, 0);
	json_object_put(report_with(w, 40));
}

static void what_a_program_before_had_is_not_the_next_ones(void **state)
{
	const struct work *w = *state;
	json_object *r, *list;

	assert_int_equal(run_one(w, "quiet"), 0);
	assert_int_equal(run_one(w, "wide"), 0);
	expect_files(w, 1, 0);
	assert_int_equal(run_one(w, "forget"), 0);
	expect_files(w, 0, 1);
	r = report_with(w, 3);
	list = field(r, "open_fds");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		assert_true(json_object_get_boolean(field(o, "inherited")) ||
			    stack_has(o, "stack", "forget_one"));
	}
	assert_non_null(find_site(r, "fds", "open", "forget_one"));
	assert_null(find_site(r, "fds", "dup", "open_and_close"));
	json_object_put(r);
}

static void who_is_killed_with_it_is_reported(void **state)
{
	const struct work *w = *state;
	json_object *r;

	assert_int_equal(run_one(w, "quiet"), 0);
	assert_int_equal(run_one(w, "quiet"), 0);
	assert_int_equal(run_one(w, "killed"), 128 + SIGKILL);
	expect_files(w, 0, 1);
	assert_int_equal(run_one(w, "quiet"), 0);
	expect_files(w, 1, 1);
	r = report_with(w, 4);
	assert_non_null(find_site(r, "fds", "open", "forget_one"));
	json_object_put(r);
}

/* Of those that live at once one has it, the others have their own. */
static void programs_that_live_at_once_have_each_their_own(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG("sh"), ARG("-c"), ARG("echo ready; read x; true"), NULL};
	struct proc p[3];

	for (int i = 0; i < 3; i++) {
		p[i] = preload_start(w, work_path(w, "s"), argv);
		assert_true(proc_says(&p[i], "ready"));
	}
	for (int i = 0; i < 3; i++) {
		proc_close_input(&p[i]);
		assert_int_equal(proc_wait(&p[i]), 0);
	}
	expect_files(w, 1, 0);
	json_object_put(report_with(w, 3));
}

static void run_sized(const struct work *w, const char *size)
{
	char *argv[] = {ARG(built("targets/starts")), ARG("quiet"), NULL};
	char preload[600], session[600], setting[64];
	char *env[] = {preload, session, setting, NULL};
	struct proc p;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("libfdwhy.so"));
	snprintf(session, sizeof(session), "FDWHY_SESSION=%s", work_path(w, "s"));
	snprintf(setting, sizeof(setting), "FDWHY_SIZE=%s", size);
	p = proc_start(w, argv, env);
	assert_int_equal(proc_wait(&p), 0);
}

static int64_t waiting_bytes(const struct work *w)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "s/spare.0.%u.rec", (unsigned)geteuid());
	assert_int_equal(stat(work_path(w, name), &st), 0);
	return st.st_size;
}

/* A larger one does for all; what is too small goes. */
static void a_record_has_at_least_the_size_that_was_asked_for(void **state)
{
	const struct work *w = *state;
	int64_t normal, large;

	assert_int_equal(run_one(w, "quiet"), 0);
	normal = waiting_bytes(w);
	run_sized(w, "large");
	large = waiting_bytes(w);
	assert_true(large > normal);
	run_sized(w, "small");
	assert_int_equal(run_one(w, "quiet"), 0);
	assert_int_equal(waiting_bytes(w), large);
	expect_files(w, 1, 0);
	json_object_put(report_with(w, 4));
}

/* Its own is smaller, and of no use to others. */
static void a_program_with_limits_has_its_own(void **state)
{
	const struct work *w = *state;
	struct rlimit before, few;

	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	few = before;
	few.rlim_cur = 1ul << 30;
	SKIP_UNLESS(before.rlim_max > few.rlim_cur, "a limit of memory already");
	assert_int_equal(setrlimit(RLIMIT_AS, &few), 0);
	assert_int_equal(run_one(w, "quiet"), 0);
	expect_files(w, 0, 0);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	assert_int_equal(run_one(w, "quiet"), 0);
	assert_int_equal(setrlimit(RLIMIT_AS, &few), 0);
	assert_int_equal(run_one(w, "forget"), 0);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	expect_files(w, 1, 1);
	json_object_put(report_with(w, 3));
}

static void a_file_that_is_no_record_is_not_taken(void **state)
{
	const struct work *w = *state;
	char name[64];

	assert_int_equal(run_one(w, "quiet"), 0);
	snprintf(name, sizeof(name), "s/spare.0.%u.rec", (unsigned)geteuid());
	assert_int_equal(truncate(work_path(w, name), 5000), 0);
	assert_int_equal(run_one(w, "forget"), 0);
	expect_files(w, 0, 2);
	assert_int_equal(run_one(w, "quiet"), 0);
	assert_int_equal(run_one(w, "quiet"), 0);
	expect_files(w, 1, 2);
}

static void threads_may_still_write_to_it(void **state)
{
	const struct work *w = *state;

	assert_int_equal(run_one(w, "thread"), 0);
	expect_files(w, 0, 0);
	json_object_put(report_with(w, 1));
}

static bool is_there(void *arg)
{
	json_object *r = report_of(arg, work_path(arg, "s"));
	bool found = find_site(r, "fds", "open", "forget_one") != NULL;

	json_object_put(r);
	return found;
}

static void a_child_may_still_copy_it(void **state)
{
	const struct work *w = *state;
	struct proc p = start(w, "child");
	int status;

	assert_int_equal(waitpid(p.pid, &status, 0), p.pid); /* its child's input stays open */
	assert_int_equal(status, 0);
	expect_files(w, 0, 0);
	assert_int_equal(run_one(w, "wide"), 0);
	proc_close_input(&p);
	assert_true(wait_until(is_there, *state, 20));
	json_object_put(report_with(w, 3));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(quiet_programs_have_one_record_in_turn),
		T(what_a_program_before_had_is_not_the_next_ones),
		T(who_is_killed_with_it_is_reported),
		T(programs_that_live_at_once_have_each_their_own),
		T(a_record_has_at_least_the_size_that_was_asked_for),
		T(a_program_with_limits_has_its_own),
		T(a_file_that_is_no_record_is_not_taken),
		T(threads_may_still_write_to_it),
		T(a_child_may_still_copy_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

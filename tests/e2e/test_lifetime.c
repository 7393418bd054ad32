/* SPDX-License-Identifier: MIT */
/* test_lifetime.c - every way an fd is born, shared, inherited, lost, misused and left open. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "harness.h"

static json_object *record(const struct work *w, const char *way, int expected)
{
	char name[64];
	char *argv[] = {ARG(built("targets/lifetime")), name, NULL};

	strcpy(name, way);
	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), expected);
	return report_of(w, work_path(w, "s"));
}

static void a_leak_is_named_and_churn_is_not(void **state)
{
	json_object *r = record(*state, "leak", 0);
	json_object *leak = find_site(r, "fds", "open", "leak_files");
	json_object *churn = find_site(r, "fds", "open", "churn_files");

	assert_non_null(leak);
	assert_string_equal(text_of(leak, "verdict"), "leak");
	assert_int_equal(number_of(leak, "opened"), 20);
	assert_int_equal(number_of(leak, "open"), 20);
	assert_non_null(churn);
	assert_string_equal(text_of(churn, "verdict"), "expected");
	assert_int_equal(number_of(churn, "opened"), 1000);
	assert_int_equal(number_of(churn, "closed"), 1000);
	assert_int_equal(number_of(r, "totals.leaks"), 1);
	json_object_put(r);
}

static int count_kind(json_object *r, const char *kind)
{
	json_object *list = field(r, "open_fds");
	int n = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		n += !strcmp(text_of(o, "kind"), kind) && stack_has(o, "stack", "one_of_each");
	}
	return n;
}

static void every_kind_of_fd_is_told_apart(void **state)
{
	static const char *const kinds[] = {"epoll",    "eventfd", "inotify",   "timerfd",
					    "signalfd", "memfd",   "pipe-read", "pipe-write",
					    "tcp",      "udp",     "dir"};
	json_object *r = record(*state, "one_of_each", 0);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(count_kind(r, kinds[i]), 1);
	assert_int_equal(count_kind(r, "unix-dgram"), 2);
	json_object_put(r);
}

static void a_double_close_shows_three_stacks(void **state)
{
	json_object *r = record(*state, "double_close", 0);
	json_object *m = find_site(r, "misuse", "close", "close_it_again");

	assert_non_null(m);
	assert_string_equal(text_of(m, "kind"), "double-close");
	assert_int_equal(number_of(m, "count"), 1);
	assert_true(stack_has(m, "birth_stack", "open_it"));
	assert_true(stack_has(m, "death_stack", "close_it"));
	json_object_put(r);
}

static void a_use_after_close_is_misuse(void **state)
{
	json_object *r = record(*state, "use_after_close", 0);
	json_object *m = find_site(r, "misuse", "read", "use_after_close");

	assert_non_null(m);
	assert_string_equal(text_of(m, "kind"), "use-after-close");
	assert_true(stack_has(m, "death_stack", "close_it"));
	json_object_put(r);
}

static void pitfall_1_a_loop_that_closes_unknown_numbers_is_no_misuse(void **state)
{
	json_object *r = record(*state, "close_loop", 0);

	assert_int_equal(number_of(r, "totals.misuse"), 0);
	assert_int_equal(number_of(find_site(r, "fds", "open", "open_it"), "closed"), 8);
	json_object_put(r);
}

static void pitfall_1_close_range_and_closefrom_end_fds(void **state)
{
	json_object *r = record(*state, "close_ranges", 0);
	json_object *f = find_site(r, "fds", "open", "open_it");

	assert_int_equal(number_of(f, "opened"), 8);
	assert_int_equal(number_of(f, "open"), 3);
	json_object_put(r);
}

static void pitfall_2_dup_onto_chosen_numbers_is_followed(void **state)
{
	json_object *r = record(*state, "dups", 0);

	assert_int_equal(number_of(find_site(r, "fds", "dup2", "dups"), "open"), 1);
	assert_int_equal(number_of(find_site(r, "fds", "dup3", "dups"), "open"), 1);
	assert_int_equal(number_of(find_site(r, "fds", "fcntl", "dups"), "open"), 2); /* one line */
	assert_int_equal(number_of(find_site(r, "fds", "open", "open_it"), "open"), 1);
	json_object_put(r);
}

static bool has_pid(json_object *list, int64_t pid)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (number_of(json_object_array_get_idx(list, i), "pid") == pid)
			return true;
	return false;
}

static json_object *child_of(json_object *r)
{
	json_object *list = field(r, "processes");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *p = json_object_array_get_idx(list, i);

		if (has_pid(list, number_of(p, "ppid")))
			return p;
	}
	return NULL;
}

static void expect_child(json_object *r, const char *inherited_from)
{
	json_object *child = child_of(r), *list = field(r, "open_fds");
	json_object *leak = find_site(r, "fds", "open", "leak_files");
	bool inherited = false;

	assert_non_null(child);
	assert_int_equal(number_of(child, "end.status"), 7);
	assert_int_equal(number_of(leak, "opened"), 20);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		inherited |= number_of(o, "pid") == number_of(child, "pid") &&
			     json_object_get_boolean(field(o, "inherited")) &&
			     stack_has(o, "stack", inherited_from);
	}
	assert_true(inherited);
}

static void a_fork_child_has_a_record_and_inherits_births(void **state)
{
	json_object *r = record(*state, "fork", 0);

	expect_child(r, "open_it");
	json_object_put(r);
}

static bool has_all_children(void *arg)
{
	json_object *r = report_of(arg, work_path(arg, "s"));
	bool all = json_object_array_length(field(r, "processes")) == 21;

	json_object_put(r);
	return all;
}

static void a_fork_child_has_what_its_parent_had_at_the_fork(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/lifetime")),
			"fork_race",
			"wait",
			NULL};
	struct proc p = fdwhy_start(w, work_path(w, "s"), argv, NULL);
	json_object *r, *list;

	assert_true(proc_says(&p, "ready"));
	assert_true(wait_until(has_all_children, (void *)(uintptr_t)w, 20));
	r = report_of(w, work_path(w, "s"));
	list = field(r, "coverage");
	if (json_object_array_length(list))
		print_error("%s\n", json_object_to_json_string(list));
	assert_int_equal(json_object_array_length(list), 0);
	list = field(r, "processes");
	for (size_t i = 0; i < 21; i++)
		if (number_of(json_object_array_get_idx(list, i), "counts.opened") == 0)
			kill((pid_t)number_of(json_object_array_get_idx(list, i), "pid"), SIGKILL);
	assert_int_equal(proc_wait(&p), 0);
	json_object_put(r);
}

static void a_child_of_a_raw_clone_is_noticed(void **state)
{
	json_object *r = record(*state, "raw_clone", 0), *child = child_of(r);

	assert_non_null(child);
	assert_int_equal(number_of(find_site(r, "fds", "open", "leak_files"), "opened"), 20);
	assert_int_equal(number_of(child, "counts.opened"), 20);
	json_object_put(r);
}

static void pitfall_12_exec_with_a_cleaned_environment_continues_the_record(void **state)
{
	json_object *r = record(*state, "exec_clean", 0), *list = field(r, "open_fds");
	json_object *p = json_object_array_get_idx(field(r, "processes"), 0);
	int survived = 0;

	assert_int_equal(number_of(p, "images"), 2);
	assert_int_equal(number_of(find_site(r, "fds", "open", "leak_files"), "open"), 20);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		survived += stack_has(o, "stack", "open_it");
		assert_false(!strcmp(text_of(o, "kind"), "file") &&
			     stack_has(o, "stack", "exec_clean") &&
			     !stack_has(o, "stack", "open_it") &&
			     !stack_has(o, "stack", "leak_files"));
	}
	assert_int_equal(survived, 1);
	json_object_put(r);
}

static void pitfall_8_a_vfork_child_changes_nothing_of_its_parent(void **state)
{
	json_object *r = record(*state, "vfork_exec", 0), *list = field(r, "open_fds");
	json_object *child = child_of(r);
	int parents = 0;

	assert_non_null(child);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		parents += number_of(o, "pid") == number_of(child, "ppid") &&
			   stack_has(o, "stack", "open_it");
	}
	assert_int_equal(parents, 1);
	assert_int_equal(number_of(child, "counts.opened"), 1020);
	json_object_put(r);
}

static void the_limit_of_open_files_is_reported_with_its_place(void **state)
{
	json_object *r = record(*state, "limit", 0);
	json_object *e = find_site(r, "limits", "open", "until_limit");

	assert_non_null(e);
	assert_string_equal(text_of(e, "errno"), "EMFILE");
	json_object_put(r);
}

static void as_many_fds_as_the_limit_allows_have_slots(void **state)
{
	json_object *r = record(*state, "many", 0);
	json_object *f = find_site(r, "fds", "open", "open_it");
	struct rlimit l;

	getrlimit(RLIMIT_NOFILE, &l);
	assert_in_range(number_of(f, "open"), l.rlim_max - 20, l.rlim_max);
	json_object_put(r);
}

static void a_number_far_above_the_others_has_a_slot(void **state)
{
	json_object *r = record(*state, "high", 0);
	json_object *f = find_site(r, "fds", "dup2", "high");

	assert_non_null(f);
	assert_int_equal(number_of(f, "open"), 1);
	json_object_put(r);
}

static void a_far_number_that_others_grow_past_keeps_its_slot(void **state)
{
	struct rlimit r;
	json_object *report, *f;

	getrlimit(RLIMIT_NOFILE, &r);
	SKIP_UNLESS(r.rlim_max >= 9216, "the limit of open files is below 9216");
	report = record(*state, "overgrown", 0);
	f = find_site(report, "fds", "dup2", "overgrown");
	assert_non_null(f);
	assert_int_equal(number_of(f, "open"), 0);
	assert_int_equal(number_of(f, "closed"), 1);
	json_object_put(report);
}

static void pitfall_31_standard_fds_may_be_closed(void **state)
{
	json_object *r = record(*state, "standard_closed", 0), *list = field(r, "open_fds");
	int found = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		found += stack_has(o, "stack", "open_it") &&
			 (number_of(o, "fd") == 0 || number_of(o, "fd") == 2);
	}
	assert_int_equal(found, 2);
	json_object_put(r);
}

static void a_killed_process_leaves_its_fds_on_record(void **state)
{
	json_object *r = record(*state, "killed", 128 + SIGKILL);
	json_object *p = json_object_array_get_idx(field(r, "processes"), 0);

	assert_string_equal(text_of(p, "end.how"), "killed");
	assert_int_equal(number_of(p, "end.signal"), SIGKILL);
	assert_int_equal(number_of(find_site(r, "fds", "open", "leak_files"), "open"), 20);
	json_object_put(r);
}

static void a_process_with_nothing_to_say_leaves_one_line(void **state)
{
	const struct work *w = *state;
	json_object *r = record(w, "fine", 0);
	json_object *p = json_object_array_get_idx(field(r, "processes"), 0);
	char name[64];

	assert_int_equal(number_of(p, "counts.opened"), 1000);
	assert_string_equal(text_of(p, "end.how"), "exited");
	snprintf(name, sizeof(name), "s/%d.rec", (int)number_of(p, "pid"));
	assert_false(file_exists((void *)(uintptr_t)work_path(w, name)));
	json_object_put(r);
}

static void pitfall_25_an_fd_received_in_a_message_is_a_birth(void **state)
{
	json_object *r = record(*state, "passed", 0);
	json_object *f = find_site(r, "fds", "recvmsg", "received");

	assert_non_null(f);
	assert_int_equal(number_of(f, "open"), 1);
	json_object_put(r);
}

static void a_living_process_is_held_against_proc(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/lifetime")),
			"leak",
			"wait",
			NULL};
	struct proc p = fdwhy_start(w, work_path(w, "s"), argv, NULL);
	json_object *r;

	assert_true(proc_says(&p, "ready"));
	r = report_of(w, work_path(w, "s"));
	assert_true(json_object_get_boolean(field(r, "live")));
	assert_int_equal(number_of(find_site(r, "fds", "open", "leak_files"), "open"), 20);
	assert_int_equal(json_object_array_length(field(r, "coverage")), 0);
	assert_int_equal(proc_wait(&p), 0);
	json_object_put(r);
}

static void the_text_at_exit_names_addresses(void **state)
{
	const struct work *w = *state;
	char preload[600];
	char *argv[] = {ARG(built("targets/leak_socket")), "2", NULL};
	char *env[] = {preload, "FDWHY_REPORT=stderr", NULL};
	struct proc p;
	char *text;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("libfdwhy.so"));
	assert_int_equal(run(w, argv, env, &p), 0);
	text = file_text(p.err);
	assert_non_null(strstr(text, "open at exit: tcp 127.0.0.1:0 from socket\n    "));
	assert_non_null(strstr(text, "fdwhy: 3 fds open at exit"));
	free(text);
}

static void plain_preload_makes_a_session_and_reports_at_exit(void **state)
{
	const struct work *w = *state;
	char preload[600];
	char *argv[] = {ARG(built("targets/lifetime")), "leak", NULL};
	char *env[] = {preload, "FDWHY_REPORT=stderr", NULL};
	char *report[] = {ARG(built("fdwhy")), "report", NULL};
	struct proc p;
	char *text;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("libfdwhy.so"));
	assert_int_equal(run(w, argv, env, &p), 0);
	text = file_text(p.err);
	assert_non_null(strstr(text, "fdwhy: 20 fds open at exit"));
	assert_non_null(strstr(text, "targets/lifetime+0x"));
	free(text);
	assert_int_equal(run(w, report, NULL, &p), 0);
	text = file_text(p.out);
	assert_non_null(strstr(text, "leak file of open:"));
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(a_leak_is_named_and_churn_is_not),
		T(every_kind_of_fd_is_told_apart),
		T(a_double_close_shows_three_stacks),
		T(a_use_after_close_is_misuse),
		T(pitfall_1_a_loop_that_closes_unknown_numbers_is_no_misuse),
		T(pitfall_1_close_range_and_closefrom_end_fds),
		T(pitfall_2_dup_onto_chosen_numbers_is_followed),
		T(a_fork_child_has_a_record_and_inherits_births),
		T(a_child_of_a_raw_clone_is_noticed),
		T(a_fork_child_has_what_its_parent_had_at_the_fork),
		T(pitfall_12_exec_with_a_cleaned_environment_continues_the_record),
		T(pitfall_8_a_vfork_child_changes_nothing_of_its_parent),
		T(the_limit_of_open_files_is_reported_with_its_place),
		T(as_many_fds_as_the_limit_allows_have_slots),
		T(a_number_far_above_the_others_has_a_slot),
		T(a_far_number_that_others_grow_past_keeps_its_slot),
		T(pitfall_31_standard_fds_may_be_closed),
		T(a_killed_process_leaves_its_fds_on_record),
		T(a_process_with_nothing_to_say_leaves_one_line),
		T(pitfall_25_an_fd_received_in_a_message_is_a_birth),
		T(a_living_process_is_held_against_proc),
		T(the_text_at_exit_names_addresses),
		T(plain_preload_makes_a_session_and_reports_at_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

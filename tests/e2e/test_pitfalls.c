/* SPDX-License-Identifier: MIT */
/*
 * test_pitfalls.c - what breaks preloaded libraries in the field, one target each: run without and
 * with the shim, what it says and how it ends are the same, and the record holds what it should.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "harness.h"

static void compare(const struct outcome *bare, const struct outcome *with)
{
	if (bare->status != with->status)
		print_error("%s%s%s%s", bare->out, bare->err, with->out, with->err);
	assert_int_equal(with->status, bare->status);
	assert_string_equal(with->out, bare->out);
	assert_string_equal(with->err, bare->err);
}

/* Runs the target without and with the shim, compares, returns the report. */
static json_object *same_outcome(const struct work *w, const char *name, const char *a,
				 const char *b)
{
	char path[64];
	char *argv[] = {NULL, ARG(a), ARG(b), NULL};
	struct outcome bare, with;

	snprintf(path, sizeof(path), "targets/%s", name);
	argv[0] = strdup(built(path));
	bare = outcome_of(proc_start(w, argv, NULL));
	with = outcome_of(preload_start(w, work_path(w, "s"), argv));
	compare(&bare, &with);
	outcome_free(&bare);
	outcome_free(&with);
	free(argv[0]);
	return report_of(w, work_path(w, "s"));
}

/* Over all places in that function: a compiler may have unrolled a loop. -1: none. */
static int64_t sum(json_object *r, const char *key, const char *call, const char *function,
		   const char *what)
{
	json_object *list = field(r, key);
	int64_t n = -1;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		if (!strcmp(text_of(o, "call"), call) && stack_has(o, "stack", function))
			n += number_of(o, what) + (n < 0);
	}
	return n;
}

static void expect_fds(json_object *r, const char *call, const char *function, int open)
{
	if (sum(r, "fds", call, function, "open") != open)
		fail_msg("open by %s in %s(): %d, not %d", call, function,
			 (int)sum(r, "fds", call, function, "open"), open);
}

static void expect_eagain(json_object *r, const char *call, const char *function, int count)
{
	if (sum(r, "eagain", call, function, "count") != count)
		fail_msg("EAGAIN of %s in %s(): %d, not %d", call, function,
			 (int)sum(r, "eagain", call, function, "count"), count);
}

static void pitfall_1_every_way_to_close_all_numbers(void **state)
{
	static const char *const ways[] = {"up", "down", "range", "from"};
	const struct work *w = *state;

	for (size_t i = 0; i < 4; i++) {
		json_object *r = same_outcome(w, "close_loop", ways[i], NULL);

		assert_int_equal(number_of(r, "totals.misuse"), 0);
		json_object_put(r);
	}
}

static void pitfall_2_fds_on_numbers_of_the_targets_choice(void **state)
{
	json_object *r = same_outcome(*state, "dup2_low", NULL, NULL);

	assert_int_equal(number_of(r, "totals.misuse"), 0);
	expect_fds(r, "dup2", "move_to", 9); /* 3, 4 and 5 were there already */
	json_object_put(r);
}

/* The name is somewhere in the file: good enough for a name like these. */
static bool imports(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	char *part = NULL;
	size_t room = 0;
	bool found = false;

	assert_non_null(f);
	while (!found && getdelim(&part, &room, '\0', f) > 0)
		found = !strcmp(part, name);
	free(part);
	fclose(f);
	return found;
}

static void pitfall_4_fortified_names(void **state)
{
	json_object *r;

	SKIP_UNLESS(imports(built("targets/fortified"), "__open_2"),
		    "this compiler does not fortify open()");
	r = same_outcome(*state, "fortified", NULL, NULL);
	expect_fds(r, "__open_2", "forget_fortified", 5);
	expect_eagain(r, "__read_chk", "read_fortified", 1);
	expect_eagain(r, "__recv_chk", "recv_fortified", 1);
	expect_eagain(r, "__recvfrom_chk", "recvfrom_fortified", 1);
	json_object_put(r);
}

static void pitfall_5_variadic_arguments(void **state)
{
	const struct work *w = *state;

	json_object_put(same_outcome(w, "open_modes", w->dir, NULL));
}

static void pitfall_6_opens_and_closes_inside_libc(void **state)
{
	json_object *r = same_outcome(*state, "inside_libc", NULL, NULL);

	expect_fds(r, "open", "open_after", 1);
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	json_object_put(r);
}

static void pitfall_7_and_17_system_calls_without_libc(void **state)
{
	json_object *r = same_outcome(*state, "raw_syscalls", NULL, NULL);

	expect_fds(r, "openat", "open_by_syscall", 1);
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	json_object_put(r);
}

static void pitfall_8_children_of_vfork(void **state)
{
	json_object *r = same_outcome(*state, "vfork_exec", "30", NULL);

	expect_fds(r, "open", "open_before", 1);
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	json_object_put(r);
}

static void pitfall_8_posix_spawn_system_and_popen(void **state)
{
	json_object_put(same_outcome(*state, "spawn", NULL, NULL));
}

static void pitfall_9_fork_while_threads_are_in_the_shim(void **state)
{
	json_object *r = same_outcome(*state, "threads_fork", "100", NULL);

	assert_int_equal(number_of(r, "totals.misuse"), 0);
	json_object_put(r);
}

static void threads_that_churn_are_not_mixed_up(void **state)
{
	json_object *r = same_outcome(*state, "threads_churn", "2000", NULL);

	expect_fds(r, "open", "leave_open", 5);
	expect_fds(r, "dup2", "churn", 0);
	expect_fds(r, "open", "churn", 0);
	json_object_put(r);
}

static const char *library(const char *name)
{
	static const char *const dirs[] = {"/usr/lib/x86_64-linux-gnu",
					   "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"};
	static char path[256];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (!access(path, R_OK))
			return path;
	}
	return NULL;
}

static void pitfall_10_an_allocator_preloaded_beside_us(void **state)
{
	const struct work *w = *state;
	const char *jemalloc = library("libjemalloc.so.2");
	char preload[2][800], where[600];
	char *env[] = {preload[0], where, NULL};
	char *argv[] = {ARG(built("targets/lifetime")), "leak", NULL};

	SKIP_UNLESS(jemalloc, "libjemalloc.so.2 is not installed");
	snprintf(preload[0], 800, "LD_PRELOAD=%s:%s", jemalloc, built("libfdwhy.so"));
	snprintf(preload[1], 800, "LD_PRELOAD=%s:%s", built("libfdwhy.so"), jemalloc);
	for (int i = 0; i < 2; i++) {
		const char *session = work_path(w, i ? "t" : "s");
		json_object *r;

		env[0] = preload[i];
		snprintf(where, sizeof(where), "FDWHY_SESSION=%s", session);
		assert_int_equal(mkdir(session, 0700), 0);
		assert_int_equal(run(w, argv, env, NULL), 0);
		r = report_of(w, session);
		expect_fds(r, "open", "leak_files", 20);
		json_object_put(r);
	}
}

static void pitfall_11_a_plugin_that_binds_past_us(void **state)
{
	char *plugin = strdup(built("targets/plugin"));

	json_object_put(same_outcome(*state, "loads_plugin", plugin, "deepbind"));
	free(plugin);
}

static void pitfall_18_and_19_cancelled_and_jumped_out_of(void **state)
{
	json_object *r = same_outcome(*state, "cancelled", NULL, NULL);

	expect_eagain(r, "recv", "fail_after_all", 1);
	expect_fds(r, "open", "forget_after_all", 6);
	json_object_put(r);
}

static void pitfall_14_a_strict_seccomp_filter(void **state)
{
	json_object *r = same_outcome(*state, "seccomp_strict", NULL, NULL);

	expect_eagain(r, "recv", "fail_in_prison", 10);
	json_object_put(r);
}

static void pitfall_29_all_limits_and_a_filter_at_once(void **state)
{
	json_object *r = same_outcome(*state, "seccomp_strict", "limits", NULL);

	expect_eagain(r, "recv", "fail_in_prison", 10);
	json_object_put(r);
}

static void pitfall_20_low_resource_limits(void **state)
{
	static const char *const limits[][2] = {
		{"fsize", "0"},  {"fsize", "1000000"}, {"as", "0x10000000"}, {"nofile", "4"},
		{"nofile", "5"}, {"nproc", "0"},       {"stack", "0x20000"},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		json_object_put(same_outcome(*state, "limits", limits[i][0], limits[i][1]));
}

/* Room for a few pages, for one, for none: a shell and its children do not notice. */
static void pitfall_20_a_full_disk(void **state)
{
	static const char *const sizes[] = {"96k", "24k", "8k"};
	const struct work *w = *state;
	char script[2400];

	SKIP_UNLESS(geteuid() == 0, "only root can mount a small file system");
	for (size_t i = 0; i < 3; i++) {
		struct proc p;
		char *text;

		snprintf(script, sizeof(script),
			 "mkdir -p %1$s/small && mount -t tmpfs -o size=%2$s none %1$s/small && "
			 "mkdir %1$s/small/s && export FDWHY_SESSION=%1$s/small/s "
			 "LD_PRELOAD=%3$s && sh -c 'ls / >/dev/null; echo in | cat; exit 7'; "
			 "echo status $?; %4$s many >/dev/null; echo status $?",
			 w->dir, sizes[i], built("libfdwhy.so"), built("targets/lifetime"));
		run(w, (char *const[]){"unshare", "-m", "sh", "-c", script, NULL}, NULL, &p);
		text = file_text(p.out);
		assert_string_equal(text, "in\nstatus 7\nstatus 0\n");
		free(text);
	}
}

static void pitfall_20_a_session_that_cannot_be_written(void **state)
{
	const struct work *w = *state;
	const char *sessions[] = {"/proc/nowhere", "/dev/null", "/nonexistent/deep/below"};
	char preload[600], where[600];
	char *env[] = {preload, where, NULL};
	char *argv[] = {ARG(built("targets/lifetime")), "leak", NULL};

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("libfdwhy.so"));
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		struct outcome o;

		snprintf(where, sizeof(where), "FDWHY_SESSION=%s", sessions[i]);
		o = outcome_of(proc_start(w, argv, env));
		assert_int_equal(o.status, 0);
		assert_string_equal(o.err, "");
		outcome_free(&o);
	}
}

static void pitfall_21_errno_after_success(void **state)
{
	json_object_put(same_outcome(*state, "errno_on_success", NULL, NULL));
}

static void pitfall_3_and_22_a_target_that_looks_at_itself(void **state)
{
	json_object *r = same_outcome(*state, "seen", NULL, NULL);

	expect_eagain(r, "recv", "fail_once", 2);
	json_object_put(r);
}

static void pitfall_23_an_unloaded_module_in_a_stack(void **state)
{
	char *plugin = strdup(built("targets/plugin"));
	json_object *r = same_outcome(*state, "loads_plugin", plugin, NULL);

	expect_fds(r, "open", "plugin_open", 5);
	free(plugin);
	json_object_put(r);
}

static void pitfall_24_small_strange_and_deep_stacks(void **state)
{
	json_object *r = same_outcome(*state, "small_stacks", NULL, NULL);

	expect_eagain(r, "recv", "on_small_stack", 1);
	expect_eagain(r, "recv", "on_signal_stack", 1);
	expect_eagain(r, "recv", "deep", 1);
	json_object_put(r);
}

static void pitfall_30_a_title_over_arguments_and_environment(void **state)
{
	json_object *r = same_outcome(*state, "titles", NULL, NULL);

	expect_fds(r, "open", "forget_with_title", 7);
	json_object_put(r);
}

static void pitfall_31_started_without_standard_fds(void **state)
{
	const struct work *w = *state;
	char told[512], *bare, *with;
	char *argv[] = {strdup(built("targets/fds012_closed")), told, NULL};
	struct outcome o;

	strcpy(told, work_path(w, "told"));
	o = outcome_of(proc_start(w, argv, NULL));
	outcome_free(&o);
	bare = file_text(told);
	o = outcome_of(preload_start(w, work_path(w, "s"), argv));
	outcome_free(&o);
	with = file_text(told);
	assert_non_null(strstr(bare, "open 0 pipe 0 1 2 file 3"));
	assert_string_equal(with, bare);
	free(bare);
	free(with);
	free(argv[0]);
}

static void pitfall_32_a_daemon_that_closes_from_the_highest(void **state)
{
	const struct work *w = *state;
	char fifo[512];
	char *argv[] = {ARG(built("targets/daemonize")),
			fifo,
			NULL};
	struct proc p;
	json_object *r;
	int fd;

	strcpy(fifo, work_path(w, "fifo"));
	assert_int_equal(mkfifo(fifo, 0600), 0);
	p = fdwhy_start(w, work_path(w, "s"), argv, NULL);
	fd = open(fifo, O_WRONLY | O_CLOEXEC); /* until the daemon reads */
	assert_true(fd >= 0);
	r = report_of(w, work_path(w, "s"));
	expect_fds(r, "open", "forget_in_background", 1);
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	json_object_put(r);
	close(fd);
	assert_int_equal(proc_wait(&p), 0);
}

/* The same path at a known place, and another directory by now. */
static void expect_other_root(json_object *r, const char *root)
{
	json_object *targets = field(find_site(r, "fds", "open", "open_root"), "targets");

	assert_non_null(targets);
	for (size_t i = 0; i < json_object_array_length(targets); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(targets, i)), root))
			return;
	fail_msg("not %s: %s", root, json_object_to_json_string(targets));
}

static void pitfall_28_and_33_first_failure_in_a_chroot_as_nobody(void **state)
{
	const struct work *w = *state;
	json_object *r;

	SKIP_UNLESS(!geteuid(), "only root can chroot");
	assert_int_equal(mkdir(work_path(w, "root"), 0755), 0);
	r = same_outcome(w, "drop_privileges", work_path(w, "root"), NULL);
	expect_eagain(r, "recv", "fail_in_chroot", 1);
	expect_fds(r, "open", "forget_in_chroot", 6);
	expect_other_root(r, work_path(w, "root"));
	json_object_put(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(pitfall_1_every_way_to_close_all_numbers),
		T(pitfall_2_fds_on_numbers_of_the_targets_choice),
		T(pitfall_3_and_22_a_target_that_looks_at_itself),
		T(pitfall_4_fortified_names),
		T(pitfall_5_variadic_arguments),
		T(pitfall_6_opens_and_closes_inside_libc),
		T(pitfall_7_and_17_system_calls_without_libc),
		T(pitfall_8_children_of_vfork),
		T(pitfall_8_posix_spawn_system_and_popen),
		T(pitfall_9_fork_while_threads_are_in_the_shim),
		T(threads_that_churn_are_not_mixed_up),
		T(pitfall_10_an_allocator_preloaded_beside_us),
		T(pitfall_11_a_plugin_that_binds_past_us),
		T(pitfall_14_a_strict_seccomp_filter),
		T(pitfall_18_and_19_cancelled_and_jumped_out_of),
		T(pitfall_20_low_resource_limits),
		T(pitfall_20_a_full_disk),
		T(pitfall_20_a_session_that_cannot_be_written),
		T(pitfall_21_errno_after_success),
		T(pitfall_23_an_unloaded_module_in_a_stack),
		T(pitfall_24_small_strange_and_deep_stacks),
		T(pitfall_28_and_33_first_failure_in_a_chroot_as_nobody),
		T(pitfall_29_all_limits_and_a_filter_at_once),
		T(pitfall_30_a_title_over_arguments_and_environment),
		T(pitfall_31_started_without_standard_fds),
		T(pitfall_32_a_daemon_that_closes_from_the_highest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

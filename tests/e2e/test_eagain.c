/* SPDX-License-Identifier: MIT */
/* test_eagain.c - each way a call fails with EAGAIN: seen once, with its stack, cause and evidence.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "harness.h"

struct expected {
	const char *way, *call, *function, *cause, *mode, *severity;
};

/* Each is in the history of its process. */
static void expect_history(json_object *report)
{
	json_object *p = json_object_array_get_idx(field(report, "processes"), 0);
	json_object *counts = field(p, "eagain_history.counts");
	double sum = 0;

	assert_non_null(counts);
	assert_true(number_of(p, "eagain_history.width_ns") >= 1000000000);
	for (size_t i = 0; i < json_object_array_length(counts); i++)
		sum += json_object_get_double(json_object_array_get_idx(counts, i));
	assert_true(sum == (double)number_of(p, "counts.eagain"));
}

static void expect(const struct work *w, const struct expected *x)
{
	char way[64];
	char *argv[] = {ARG(built("targets/failing")), way, NULL};
	const char *session = work_path(w, x->way);
	json_object *report, *e;

	strcpy(way, x->way);
	assert_int_equal(fdwhy_run(w, session, argv), 0);
	report = report_of(w, session);
	e = find_site(report, "eagain", x->call, x->function);
	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), x->cause);
	assert_string_equal(text_of(e, "evidence.mode"), x->mode);
	assert_string_equal(text_of(e, "severity"), x->severity);
	assert_true(stack_has(e, "stack", "main"));
	assert_true(number_of(e, "count") >= 1);
	expect_history(report);
	json_object_put(report);
}

#define WAY(way, call, function, cause, mode, severity)                                  \
	static void way##_is_explained(void **state)                                     \
	{                                                                                \
		const struct expected x = {#way, call, function, cause, mode, severity}; \
		expect(*state, &x);                                                      \
	}
WAY(send_nonblock, "send", "fill_send", "send-buffer-full", "O_NONBLOCK", "failure")
WAY(send_dontwait, "send", "fill_send", "send-buffer-full", "MSG_DONTWAIT", "failure")
WAY(send_timeout, "send", "fill_send", "send-buffer-full", "SO_SNDTIMEO", "failure")
WAY(send_dgram, "send", "send_dgram", "peer-queue-full", "MSG_DONTWAIT", "failure")
WAY(recv_nonblock, "recv", "recv_nonblock", "nothing-to-read", "MSG_DONTWAIT", "benign")
WAY(recv_timeout, "recv", "recv_timeout", "receive-timeout", "SO_RCVTIMEO", "suspicious")
WAY(pipe_full, "write", "fill_write", "pipe-full", "O_NONBLOCK", "failure")
WAY(eventfd_empty, "read", "eventfd_empty", "nothing-to-read", "O_NONBLOCK", "benign")
WAY(accept_none, "accept", "accept_none", "nothing-pending", "O_NONBLOCK", "benign")
WAY(spinning, "recv", "spin", "nothing-to-read", "MSG_DONTWAIT", "suspicious")
WAY(waiting, "recv", "waiting", "nothing-to-read", "MSG_DONTWAIT", "benign")

static void a_full_backlog_names_the_listener(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/failing")), "connect_backlog", NULL};
	json_object *report, *e;

	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	report = report_of(w, work_path(w, "s"));
	e = find_site(report, "eagain", "connect", "connect_full");
	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "listener-backlog-full");
	assert_non_null(strstr(text_of(e, "target.path"), "/listener.sock"));
	assert_int_equal(text_of(e, "target.path")[0], '/');
	assert_int_equal(number_of(e, "evidence.backlog"), 2);
	assert_int_equal(
		number_of(e, "evidence.listener_pid"),
		number_of(json_object_array_get_idx(field(report, "processes"), 0), "pid"));
	assert_true(stack_has(field(e, "evidence"), "listener_stack", "listener"));
	json_object_put(report);
}

static void a_held_record_lock_names_its_holder(void **state)
{
	const struct work *w = *state;
	char *argv[] = {
		ARG(built("targets/failing")), "fcntl_held", NULL};
	struct proc p = fdwhy_start(w, work_path(w, "s"), argv, NULL);
	json_object *report, *e, *child;

	assert_true(proc_says(&p, "ready"));
	report = report_of(w, work_path(w, "s"));
	e = find_site(report, "eagain", "fcntl", "fcntl_held");
	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "lock-held");
	assert_non_null(strstr(text_of(e, "target.path"), "/lockfile"));
	child = json_object_array_get_idx(field(report, "processes"), 1);
	if (number_of(child, "ppid") == p.pid)
		child = json_object_array_get_idx(field(report, "processes"), 0);
	assert_int_equal(number_of(e, "evidence.holder_pid"), number_of(child, "pid"));
	assert_string_equal(text_of(e, "evidence.holder_comm"), "failing");
	kill((pid_t)number_of(child, "pid"), SIGKILL);
	assert_int_equal(proc_wait(&p), 0);
	json_object_put(report);
}

static void a_held_flock_names_its_holder_while_it_lives(void **state)
{
	const struct work *w = *state;
	char *argv[] = {
		ARG(built("targets/failing")), "flock_held", NULL};
	struct proc p = fdwhy_start(w, work_path(w, "s"), argv, NULL);
	json_object *report, *e;

	assert_true(proc_says(&p, "ready"));
	report = report_of(w, work_path(w, "s"));
	e = find_site(report, "eagain", "flock", "flock_held");
	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), "lock-held");
	assert_string_equal(text_of(e, "evidence.holder_comm"), "failing");
	assert_int_equal(proc_wait(&p), 0);
	json_object_put(report);
}

static void each_single_failure_is_a_line_of_the_log(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("fdwhy")),
			"run",
			"-q",
			"-o",
			ARG(work_path(w, "s")),
			"--log",
			ARG(work_path(w, "log")),
			"--log-stacks",
			ARG(built("targets/failing")),
			"spinning",
			NULL};
	int64_t lines = 0, lost = 0;
	bool whole = false;
	char *text, *save = NULL;

	assert_int_equal(run(w, argv, NULL, NULL), 0);
	text = file_text(work_path(w, "log"));
	for (char *s = strtok_r(text, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
		json_object *o = json_tokener_parse(s);

		assert_non_null(o);
		if (!strcmp(text_of(o, "type"), "lost")) {
			lost += number_of(o, "count");
		} else {
			assert_string_equal(text_of(o, "call"), "recv");
			whole |= stack_has(o, "stack", "spin");
			lines++;
		}
		json_object_put(o);
	}
	assert_int_equal(lines + lost, 50000);
	assert_true(whole);
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(send_nonblock_is_explained),
		T(send_dontwait_is_explained),
		T(send_timeout_is_explained),
		T(send_dgram_is_explained),
		T(recv_nonblock_is_explained),
		T(recv_timeout_is_explained),
		T(pipe_full_is_explained),
		T(eventfd_empty_is_explained),
		T(accept_none_is_explained),
		T(spinning_is_explained),
		T(waiting_is_explained),
		T(a_full_backlog_names_the_listener),
		T(a_held_record_lock_names_its_holder),
		T(a_held_flock_names_its_holder_while_it_lives),
		T(each_single_failure_is_a_line_of_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_mailhub.c - the demonstration daemon: each of its faults is found, and nothing else. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static json_object *record_mailhub(const struct work *w)
{
	char *argv[] = {ARG(built("targets/mailhub")), NULL};

	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	return report_of(w, work_path(w, "s"));
}

static void expect_failure(json_object *r, const char *call, const char *function,
			   const char *cause, const char *file)
{
	json_object *e = find_site(r, "eagain", call, function);
	const char *path = text_of(e, "target.path"), *slash = strrchr(path, '/');

	assert_non_null(e);
	assert_string_equal(text_of(e, "cause"), cause);
	assert_string_equal(text_of(e, "severity"), "failure");
	if (file) {
		assert_non_null(slash);
		assert_string_equal(slash + 1, file);
	}
}

static void expect_benign(json_object *r, const char *call, const char *function)
{
	json_object *e = find_site(r, "eagain", call, function);

	assert_non_null(e);
	assert_string_equal(text_of(e, "severity"), "benign");
}

static int count_leaks(json_object *r)
{
	json_object *list = field(r, "fds");
	int n = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *v = text_of(json_object_array_get_idx(list, i), "verdict");

		n += !strcmp(v, "leak") || !strcmp(v, "growing");
	}
	return n;
}

static void every_fault_of_the_mail_hub_is_found(void **state)
{
	json_object *r = record_mailhub(*state), *leak;

	expect_failure(r, "connect", "deliver_message", "listener-backlog-full", "delivery");
	expect_failure(r, "flock", "lock_mailbox", "lock-held", "mailbox");
	expect_failure(r, "fcntl", "lock_index", "lock-held", "index");
	expect_failure(r, "send", "archive_message", "send-buffer-full", NULL);
	leak = find_site(r, "fds", "open", "spool_message");
	assert_non_null(leak);
	assert_string_equal(text_of(leak, "verdict"), "leak");
	json_object_put(r);
}

static void nothing_else_of_the_mail_hub_is_blamed(void **state)
{
	json_object *r = record_mailhub(*state);

	expect_benign(r, "accept4", "accept_clients");
	assert_int_equal(number_of(r, "totals.failures"), 4);
	assert_int_equal(number_of(r, "totals.suspicious"), 0);
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	assert_int_equal(count_leaks(r), 1);
	json_object_put(r);
}

static int count_entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void the_mail_hub_leaves_nothing_behind(void **state)
{
	const struct work *w = *state;
	char tmp[300];
	char *argv[] = {ARG(built("targets/mailhub")), NULL};
	char *env[] = {tmp, NULL};
	struct proc p;
	char *text;

	snprintf(tmp, sizeof(tmp), "TMPDIR=%s", w->dir);
	p = proc_start(w, argv, env);
	assert_int_equal(proc_wait(&p), 0);
	assert_int_equal(count_entries(w->dir), 2); /* its output and its errors */
	text = file_text(p.out);
	assert_non_null(strstr(text, "mailhub: 150 messages"));
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(every_fault_of_the_mail_hub_is_found),
		T(nothing_else_of_the_mail_hub_is_blamed),
		T(the_mail_hub_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

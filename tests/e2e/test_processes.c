/* SPDX-License-Identifier: MIT */
/*
 * test_processes.c - many short-lived processes in one session: all are counted, few leave a
 * file.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

#define PROCESSES 10000

static int count_records(const char *session)
{
	DIR *d = opendir(session);
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		size_t length = strlen(e->d_name);

		n += length > 4 && !strcmp(e->d_name + length - 4, ".rec") &&
		     strncmp(e->d_name, "spare.0.", 8) != 0; /* for who starts next */
	}
	closedir(d);
	return n;
}

static int64_t leaked(json_object *r)
{
	json_object *f = find_site(r, "fds", "open", "forget_one");

	assert_non_null(f);
	assert_int_equal(json_object_array_length(field(f, "pids")), PROCESSES / 100);
	return number_of(f, "open");
}

static void every_short_lived_process_is_counted(void **state)
{
	const struct work *w = *state;
	char number[16], line[32];
	char *argv[] = {ARG(built("targets/short_lived")), number, NULL};
	json_object *r;
	struct proc p;

	snprintf(number, sizeof(number), "%d", PROCESSES);
	p = preload_start(w, work_path(w, "s"), argv);
	for (int i = 1000; i <= PROCESSES; i += 1000) { /* a busy machine needs its time */
		snprintf(line, sizeof(line), "%d begun", i);
		assert_true(proc_says(&p, line));
	}
	assert_int_equal(proc_wait(&p), 0);
	r = report_of(w, work_path(w, "s"));
	assert_int_equal(number_of(r, "totals.processes"), PROCESSES + 1);
	assert_int_equal(json_object_array_length(field(r, "coverage")), 0);
	assert_int_equal(leaked(r), PROCESSES / 100);
	assert_int_equal(count_records(work_path(w, "s")), PROCESSES / 100);
	json_object_put(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_short_lived_process_is_counted, work_begin,
						work_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_rows.c - every function of calls.def passes through: the shim answers to its name, and
 * results and errno are those of libc.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "harness.h"

static char *output_of(const struct work *w, bool shim, char *argv[])
{
	struct proc p =
		shim ? preload_start(w, work_path(w, "s"), argv) : proc_start(w, argv, NULL);
	int status = proc_wait(&p);

	if (status)
		print_error("%s%s", file_text(p.out), file_text(p.err));
	assert_int_equal(status, 0);
	return file_text(p.out);
}

static void every_call_gives_what_libc_gives(void **state)
{
	char *argv[] = {ARG(built("targets/rows")), NULL};
	char *bare = output_of(*state, false, argv), *with = output_of(*state, true, argv);

	assert_non_null(strstr(bare, "connect -1 9\n"));
	assert_string_equal(bare, with);
	free(bare);
	free(with);
}

static void every_call_is_answered_by_the_shim(void **state)
{
	char *argv[] = {ARG(built("targets/rows")), "from", NULL};
	char *text = output_of(*state, true, argv), *rest = NULL;
	int rows = 0;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strstr(line, " libfdwhy.so"))
			fail_msg("not the shim's: %s", line);
		rows++;
	}
	assert_true(rows > 80);
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(every_call_gives_what_libc_gives),
		T(every_call_is_answered_by_the_shim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

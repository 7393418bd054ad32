/* SPDX-License-Identifier: MIT */
/*
 * test_instructions.c - the hot paths need no more instructions than they did (2 % is the limit)
 * and share no memory.
 *
 * Counts of callgrind, not times. tests/bench/instructions.sh measures and compares; where the
 * compiler, libc or valgrind are not those of its figures it says so, and this is skipped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "harness.h"

#define NO_FIGURES 77

static void no_hot_path_needs_two_percent_more_instructions(void **state)
{
	char command[700];
	int status;

	(void)state;
	snprintf(command, sizeof(command),
		 "O='%s' timeout 280 bash tests/bench/instructions.sh --check", built("."));
	status = system(command);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_FIGURES)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Two threads on different fds thus write no cache line in common: slots are one each. */
static void calls_that_succeed_write_the_lines_of_their_own_fds_and_no_other(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/hot_lines")), NULL};
	struct outcome o = outcome_of(preload_start(w, work_path(w, "session"), argv));
	unsigned ranges, record, library;

	assert_int_equal(o.status, 0);
	assert_int_equal(sscanf(o.out, "%u ranges: record %u, library %u", &ranges, &record,
				&library),
			 3);
	assert_true(ranges >= 2);
	assert_int_equal(record, 2);
	assert_int_equal(library, 0);
	outcome_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_hot_path_needs_two_percent_more_instructions),
		cmocka_unit_test_setup_teardown(
			calls_that_succeed_write_the_lines_of_their_own_fds_and_no_other,
			work_begin, work_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

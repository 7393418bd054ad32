/* SPDX-License-Identifier: MIT */
/*
 * test_instructions.c - the hot paths need no more instructions than they did: 2 % is the limit.
 *
 * Counts of callgrind, not times. tests/bench/instructions.sh measures and compares; where the
 * compiler, libc or valgrind are not those of its figures it says so, and this is skipped.
 */
#include <stdio.h>
#include <stdlib.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_hot_path_needs_two_percent_more_instructions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

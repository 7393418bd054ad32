/* SPDX-License-Identifier: MIT */
/*
 * test_ruled_rows.c - each row of calls.def with each error of its man page: a rule that injects it
 * reaches the target exactly as ruled, once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "call_errors.h"
#include "harness.h"
#include "names.h"
#include "rules_parse.h"

static unsigned write_list(const char *path)
{
	FILE *list = fopen(path, "we");
	unsigned lines = 0;

	assert_non_null(list);
	for (unsigned call = 1; call < CALL_COUNT; call++) {
		size_t n;
		const int *errors = call_errors((enum call_id)call, &n);

		for (size_t i = 0; i < n; i++, lines++)
			fprintf(list, "%s %s %d\n", call_name(call), rules_error_name(errors[i]),
				errors[i]);
	}
	assert_int_equal(fclose(list), 0);
	return lines;
}

static void each_error_of_each_row_arrives_as_ruled(void **state)
{
	const struct work *w = *state;
	char *argv[] = {
		ARG(built("fdwhy")),       "run", "-q", "--", ARG(built("targets/ruled_rows")),
		ARG(work_path(w, "list")), NULL};
	unsigned lines = write_list(argv[5]);
	char expected[32], *said;
	struct proc p;

	assert_true(lines > 1400);
	assert_int_equal(run(w, argv, NULL, &p), 0);
	snprintf(expected, sizeof(expected), "%u lines\n", lines);
	said = file_text(p.out);
	if (strcmp(said, expected))
		fail_msg("%s", said);
	free(said);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(each_error_of_each_row_arrives_as_ruled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

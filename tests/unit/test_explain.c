/* SPDX-License-Identifier: MIT */
/* test_explain.c - a table of failures, each with its cause, severity, words and advice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <string.h>
#include "explain_rows.h"

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void check(const struct row *r)
{
	struct explanation e;

	explain(&r->in, &e);
	if (r->cause)
		assert_string_equal(e.cause ? e.cause : "none", r->cause);
	else
		assert_null(e.cause);
	assert_int_equal(e.severity, r->severity);
	for (size_t i = 0; i < 3 && r->says[i]; i++)
		if (!strstr(e.sentence, r->says[i]))
			fail_msg("\"%s\" does not say \"%s\"", e.sentence, r->says[i]);
	if (r->unknown ? !strstr(e.why_unknown, r->unknown) : *e.why_unknown)
		fail_msg("why_unknown is \"%s\"", e.why_unknown);
	if ((r->advice != NULL) != (e.advice != NULL) ||
	    (r->advice && !strstr(e.advice, r->advice)))
		fail_msg("advice is \"%s\"", e.advice ? e.advice : "none");
}

static void every_row_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		print_message("%s\n", rows[i].name);
		check(&rows[i]);
	}
}

static void every_cause_has_a_row(void **state)
{
	(void)state;
	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		const char *name = explain_cause_name(c);
		bool found = false;

		for (size_t i = 0; i < ROWS && !found; i++)
			found = rows[i].cause && !strcmp(rows[i].cause, name);
		if (!found)
			fail_msg("no row for %s", name);
	}
}

static void every_cause_is_one_of_the_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		unsigned c = 0;

		while (c < CAUSE_COUNT && rows[i].cause &&
		       strcmp(explain_cause_name(c), rows[i].cause))
			c++;
		if (c == CAUSE_COUNT)
			fail_msg("%s is not in EXPLAIN_CAUSES", rows[i].cause);
	}
}

static void every_advice_has_a_row(void **state)
{
	struct explanation e;

	(void)state;
	for (unsigned a = 0; explain_advice_row(a); a++) {
		bool found = false;

		for (size_t i = 0; i < ROWS && !found; i++) {
			explain(&rows[i].in, &e);
			found = e.advice == explain_advice_row(a);
		}
		if (!found)
			fail_msg("no row is advised to: %s", explain_advice_row(a));
	}
}

static void a_long_name_leaves_room_for_the_holder(void **state)
{
	char path[1024], command[256];
	struct explain_in in = {.call = CALL_flock,
				.target = path,
				.holder_pid = 4321,
				.holder_taker = 1234,
				.holder_cmdline = command,
				.count = 1};
	struct explanation e;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	memset(command, 'y', sizeof(command) - 1);
	path[sizeof(path) - 1] = command[sizeof(command) - 1] = '\0';
	explain(&in, &e);
	assert_non_null(strstr(e.sentence, "...xxx"));
	assert_non_null(strstr(e.sentence, "pid 4321"));
	assert_non_null(strstr(e.sentence, "pid 1234, which is gone"));
}

static void a_long_name_is_not_cut_within_a_character(void **state)
{
	char path[601]; /* 300 of two bytes */
	struct explain_in in = {.call = CALL_accept, .target = path, .count = 1};
	struct explanation e;

	(void)state;
	for (size_t i = 0; i < 300; i++)
		memcpy(path + 2 * i, "\xc3\xa4", 3);
	for (unsigned odd = 0; odd < 2; odd++) {
		explain(&in, &e);
		assert_non_null(strstr(e.sentence, "...\xc3\xa4\xc3\xa4"));
		assert_null(strchr(e.sentence, '?'));
		path[600 - 2] = 'x'; /* now the cut is one byte later */
		path[600 - 1] = '\0';
	}
}

static void most_calls_at_once_and_fast_is_spinning(void **state)
{
	const uint64_t second = 1000000000;

	(void)state;
	assert_true(explain_spins(49999, 50000, second));
	assert_true(explain_spins(499, 500, 0));
	assert_false(explain_spins(499, 500, 100 * second)); /* now and then */
	assert_false(explain_spins(EXPLAIN_SPINS, EXPLAIN_SPINS + 1, 0));
	assert_false(explain_spins(250, 500, 0)); /* one each before a wait */
	assert_true(explain_spins(251, 500, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_explained),
		cmocka_unit_test(every_cause_has_a_row),
		cmocka_unit_test(every_cause_is_one_of_the_list),
		cmocka_unit_test(every_advice_has_a_row),
		cmocka_unit_test(a_long_name_leaves_room_for_the_holder),
		cmocka_unit_test(a_long_name_is_not_cut_within_a_character),
		cmocka_unit_test(most_calls_at_once_and_fast_is_spinning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

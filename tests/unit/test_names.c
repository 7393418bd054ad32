/* SPDX-License-Identifier: MIT */
/* test_names.c - numbers of a record become words, whatever the number; words are found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "names.h"

static void every_call_has_a_name_that_finds_it(void **state)
{
	const char *near;

	(void)state;
	for (unsigned i = 1; i < CALL_COUNT; i++) {
		assert_true(strlen(call_name(i)) > 1);
		assert_int_equal(names_find_call(call_name(i), &near), i);
	}
}

static void a_misspelt_call_has_a_nearest_right_word(void **state)
{
	const char *near = NULL;

	(void)state;
	assert_int_equal(names_find_call("conect", &near), CALL_NONE);
	assert_string_equal(near, "connect");
	assert_int_equal(names_find_call("sned", &near), CALL_NONE);
	assert_non_null(near);
	assert_int_equal(names_find_call("", &near), CALL_NONE);
	assert_non_null(near);
}

/* An error message prints the nearest word: there must be one, however long the wrong one is. */
static void a_word_near_to_nothing_still_gets_a_word(void **state)
{
	const char *near = NULL;
	char word[300];

	(void)state;
	memset(word, 'z', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(names_find_call(word, &near), CALL_NONE);
	assert_non_null(near);
}

static void fortified_names_are_plain_in_text(void **state)
{
	const char *near;

	(void)state;
	assert_string_equal(names_call_plain(CALL_recv), "recv");
	assert_string_equal(names_call_plain(names_find_call("__recv_chk", &near)), "recv");
	assert_string_equal(names_call_plain(names_find_call("__open_2", &near)), "open");
	assert_string_equal(names_call_plain(CALL_COUNT + 7), "?");
}

static void no_fortified_name_reaches_the_text(void **state)
{
	(void)state;
	for (unsigned i = 1; i < CALL_COUNT; i++) {
		const char *name = names_call_plain(i);
		size_t n = strlen(name);

		assert_false(n > 4 && !strcmp(name + n - 4, "_chk"));
		assert_false(!strncmp(name, "__", 2) && n > 2 && !strcmp(name + n - 2, "_2"));
	}
}

static void numbers_beyond_the_tables_are_question_marks(void **state)
{
	const char *(*const tables[])(unsigned) = {call_name,  names_kind,   names_off,
						   names_miss, names_fate,   names_why,
						   names_mode, names_instead};

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		assert_string_equal(tables[i](9999), "?");
		assert_string_equal(tables[i](UINT32_MAX), "?");
	}
	assert_int_equal(call_class(9999), CLASS_none);
}

static void every_number_within_has_a_word(void **state)
{
	static const struct {
		const char *(*name)(unsigned);
		unsigned count;
	} tables[] = {{names_kind, KIND_COUNT}, {names_off, OFF_COUNT},  {names_miss, MISS_COUNT},
		      {names_fate, FATE_COUNT}, {names_why, EXEC_COUNT}, {names_mode, 5}};

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (unsigned k = 0; k < tables[i].count; k++) {
			assert_non_null(tables[i].name(k));
			assert_string_not_equal(tables[i].name(k), "?");
		}
	assert_int_equal(call_class(CALL_close), CLASS_close);
	assert_int_equal(call_class(CALL_connect), CLASS_connect);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_has_a_name_that_finds_it),
		cmocka_unit_test(a_misspelt_call_has_a_nearest_right_word),
		cmocka_unit_test(a_word_near_to_nothing_still_gets_a_word),
		cmocka_unit_test(fortified_names_are_plain_in_text),
		cmocka_unit_test(no_fortified_name_reaches_the_text),
		cmocka_unit_test(numbers_beyond_the_tables_are_question_marks),
		cmocka_unit_test(every_number_within_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

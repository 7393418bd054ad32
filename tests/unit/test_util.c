/* SPDX-License-Identifier: MIT */
/* test_util.c - distances of words, durations, small files, growing arrays, cleaned names. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "util.h"

static void distance_is_the_number_of_edits(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned edits;
	} rows[] = {{"", "", 0},
		    {"abc", "", 3},
		    {"", "abc", 3},
		    {"send", "send", 0},
		    {"send", "sent", 1},
		    {"sned", "send", 2},
		    {"conect", "connect", 1},
		    {"kitten", "sitting", 3}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(util_distance(rows[i].a, rows[i].b), rows[i].edits);
		assert_int_equal(util_distance(rows[i].b, rows[i].a), rows[i].edits);
	}
}

static void a_very_long_word_is_just_far_away(void **state)
{
	char word[300];

	(void)state;
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_true(util_distance(word, "send") >= 63);
	assert_true(util_distance("send", word) >= 63);
}

static void durations_have_one_unit(void **state)
{
	(void)state;
	assert_string_equal(util_duration(0), "0 ns");
	assert_string_equal(util_duration(999), "999 ns");
	assert_string_equal(util_duration(1000), "1 us");
	assert_string_equal(util_duration(1500000), "1.5 ms");
	assert_string_equal(util_duration(1234567890), "1.2 s");
	assert_string_equal(util_duration(90000000000), "1.5 min");
	assert_string_equal(util_duration(7200000000000), "2 h");
	assert_string_equal(util_duration(129600000000000), "1.5 d");
}

static void a_small_file_is_read_and_terminated(void **state)
{
	char text[8];

	(void)state;
	assert_int_equal(util_read_file("/proc/self/stat", text, sizeof(text)), 7);
	assert_int_equal(strlen(text), 7);
	assert_int_equal(util_read_file("/no/such/file", text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "");
	assert_int_equal(util_read_file("/dev/null", text, sizeof(text)), 0);
	assert_true(util_read_file("/", text, sizeof(text)) < 0);
}

static void an_array_grows_and_what_is_new_is_zero(void **state)
{
	uint32_t *list = NULL;
	size_t count = 0, room = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t *x = UTIL_PUSH(list, count, room);

		assert_int_equal(*x, 0);
		*x = i;
	}
	assert_int_equal(count, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(list[i], i);
	free(list);
}

static bool is_our_pid(int number, void *arg)
{
	int *seen = arg;

	(*seen)++;
	return number == getpid();
}

static void the_numbers_of_a_directory_are_asked_until_one_is_it(void **state)
{
	int seen = 0;

	(void)state;
	assert_int_equal(util_any_number("/proc", is_our_pid, &seen), 1);
	assert_true(seen >= 1); /* of what /proc has, only numbers */
	assert_int_equal(util_any_number("/proc/self/net", is_our_pid, &seen), 0);
	seen = 0;
	assert_int_equal(util_any_number("/proc/self/task", is_our_pid, &seen), 1);
	assert_int_equal(seen, 1); /* neither . nor .. */
	assert_int_equal(util_any_number("/proc/0/fd", is_our_pid, &seen), -ENOENT);
}

static void names_keep_what_is_printable_utf8_and_nothing_else(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", ""},
		{"plain /run/x", "plain /run/x"},
		{"a\033[2Jb\n\t\x7f", "a?[2Jb???"},
		{"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
		{"\xe2\x82\xac \xf0\x9f\x90\xb4", "\xe2\x82\xac \xf0\x9f\x90\xb4"},
		{"\xff\xfe", "??"},
		{"\xc3", "?"},
		{"\xe2\x82", "??"},
		{"\xc3x", "?x"},
		{"\xc0\xaf", "??"},
		{"\xe0\x80\xaf", "???"},
		{"\xed\xa0\x80", "???"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xc2\x9b"
		 "2J",
		 "??2J"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *s = util_copy(rows[i].in);

		assert_string_equal(util_clean(s), rows[i].out);
		free(s);
	}
}

static void this_program_lies_in_a_directory(void **state)
{
	char path[4096];

	(void)state;
	assert_true(util_own_directory(path, sizeof(path)));
	assert_int_equal(*path, '/');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_is_the_number_of_edits),
		cmocka_unit_test(a_very_long_word_is_just_far_away),
		cmocka_unit_test(durations_have_one_unit),
		cmocka_unit_test(a_small_file_is_read_and_terminated),
		cmocka_unit_test(an_array_grows_and_what_is_new_is_zero),
		cmocka_unit_test(the_numbers_of_a_directory_are_asked_until_one_is_it),
		cmocka_unit_test(names_keep_what_is_printable_utf8_and_nothing_else),
		cmocka_unit_test(this_program_lies_in_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

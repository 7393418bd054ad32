/* SPDX-License-Identifier: MIT */
/* test_paths.c - one spelling of a path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "paths.h"

static void tidied(void **state)
{
	static const struct {
		const char *path, *tidy;
	} rows[] = {
		{"", ""},
		{"/", "/"},
		{"//", "/"},
		{"/.", "/"},
		{"/./", "/"},
		{"/run/app", "/run/app"},
		{"/run//app/", "/run/app"},
		{"/run/./././app", "/run/app"},
		{"/run/app/.", "/run/app"},
		{"/run/../etc/.hidden", "/run/../etc/.hidden"},
		{"/a/..b/.c./d", "/a/..b/.c./d"},
		{"a", "a"},
		{"a/./b", "a/b"},
		{"./a", "a"},
		{".", "."},
		{"..", ".."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s", rows[i].path);
		assert_int_equal(paths_tidy(path), strlen(rows[i].tidy));
		assert_string_equal(path, rows[i].tidy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tidied)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_causes_md.c - docs/causes.md has a section for each cause that explain() can give, in their
 * order, with all its parts, and every line of advice word by word. Runs in the source's directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "explain.h"

#define HEADING "\n## `"

static char *text; /* as written */
static char *flat; /* each run of blanks is one */

static char *flatten(const char *s)
{
	char *out = malloc(strlen(s) + 1), *to = out;

	for (; *s; s++)
		if (!isspace((unsigned char)*s))
			*to++ = *s;
		else if (to == out || to[-1] != ' ')
			*to++ = ' ';
	*to = '\0';
	return out;
}

static int setup(void **state)
{
	FILE *f = fopen("docs/causes.md", "re");
	size_t room = 0;

	(void)state;
	if (!f || getdelim(&text, &room, '\0', f) <= 0 || fclose(f))
		return -1;
	flat = flatten(text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(text);
	free(flat);
	return 0;
}

static void every_cause_has_its_section_in_order(void **state)
{
	const char *at = text;

	(void)state;
	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		const char *name = explain_cause_name(c);

		at = strstr(at, HEADING);
		if (!at || strncmp(at + strlen(HEADING), name, strlen(name)) != 0 ||
		    at[strlen(HEADING) + strlen(name)] != '`')
			fail_msg("no section %s where it belongs", name);
		at++;
	}
	assert_null(strstr(at, HEADING)); /* and no section of another word */
}

static void expect_parts(const char *section, const char *end, const char *name)
{
	static const char *const parts[] = {"\n**Told by:**", "\n**Evidence:**", "\n**To do:**",
					    "\n**To wait:**"};

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *part = strstr(section, parts[i]);

		if (!part || (end && part > end))
			fail_msg("%s: no %s", name, parts[i] + 1);
	}
}

static void every_section_has_its_parts(void **state)
{
	const char *at = text;

	(void)state;
	for (unsigned c = 0; c < CAUSE_COUNT; c++) {
		at = strstr(at, HEADING) + 1;
		expect_parts(at, strstr(at, "\n## "), explain_cause_name(c));
	}
}

static void every_advice_is_there_as_it_is_printed(void **state)
{
	char line[512];

	(void)state;
	for (unsigned i = 0; explain_advice_row(i); i++) {
		snprintf(line, sizeof(line), "*%s*", explain_advice_row(i));
		if (!strstr(flat, line))
			fail_msg("not there: %s", line);
	}
}

static void the_thresholds_are_those_of_the_source(void **state)
{
	char line[128];

	(void)state;
	snprintf(line, sizeof(line), "more than %u calls at once again", EXPLAIN_SPINS);
	assert_non_null(strstr(flat, line));
	snprintf(line, sizeof(line), "more than %u a second", EXPLAIN_SPINS_A_SECOND);
	assert_non_null(strstr(flat, line));
	snprintf(line, sizeof(line), "waited longer than %llu s", EXPLAIN_LONG_NS / 1000000000u);
	assert_non_null(strstr(flat, line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cause_has_its_section_in_order),
		cmocka_unit_test(every_section_has_its_parts),
		cmocka_unit_test(every_advice_is_there_as_it_is_printed),
		cmocka_unit_test(the_thresholds_are_those_of_the_source),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

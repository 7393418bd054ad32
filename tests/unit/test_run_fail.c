/* SPDX-License-Identifier: MIT */
/* test_run_fail.c - each word of --fail-on is true for exactly what it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "model.h"
#include "run.h"

/* A report with one finding. */
struct scene {
	struct model m;
	struct model_eagain eagain;
	struct model_eagain limit;
	struct model_fds fds;
	struct model_child_leak child_leak;
	struct model_misuse misuse;
	struct model_coverage coverage;
};

static void verdict(struct scene *s, enum verdict_kind kind)
{
	s->fds.verdict.kind = kind;
	s->m.fds = &s->fds;
	s->m.fds_count = 1;
}

static void severity(struct scene *s, enum severity severity)
{
	s->eagain.why.severity = severity;
	s->m.eagains = &s->eagain;
	s->m.eagains_count = 1;
}

static void misuse(struct scene *s, enum misuse_kind kind)
{
	s->misuse.kind = kind;
	s->m.misuses = &s->misuse;
	s->m.misuses_count = 1;
}

/* NULL-terminated; the words that are true of it. */
static const char *const truths[][3] = {
	{NULL},
	{"leak"},
	{"growing"},
	{"idle"},
	{"at-exit"},
	{NULL}, /* steady */
	{NULL}, /* inherited */
	{"failure", "eagain"},
	{"suspicious"},
	{"benign"},
	{"misuse", "double-close"},
	{"misuse", "use-after-close"},
	{"misuse", "foreign-close"},
	{"misuse", "standard-close"},
	{"limit"},
	{"child-leak"},
	{"coverage"},
};
#define SCENES (sizeof(truths) / sizeof(truths[0]))

static void make(struct scene *s, size_t i)
{
	static const enum verdict_kind verdicts[] = {
		VERDICT_expected, VERDICT_leak,   VERDICT_growing,  VERDICT_idle,
		VERDICT_at_exit,  VERDICT_steady, VERDICT_inherited};
	static const enum severity severities[] = {SEVERITY_failure, SEVERITY_suspicious,
						   SEVERITY_benign};

	memset(s, 0, sizeof(*s));
	if (i < 7)
		verdict(s, verdicts[i]);
	else if (i < 10)
		severity(s, severities[i - 7]);
	else if (i < 14)
		misuse(s, (enum misuse_kind)(i - 10));
	s->m.limits_count = i == 14;
	s->m.child_leaks = &s->child_leak;
	s->m.child_leaks_count = i == 15;
	s->m.coverage_count = i == 16;
}

static bool is_true(size_t scene, const char *word)
{
	for (size_t i = 0; i < 3 && truths[scene][i]; i++)
		if (!strcmp(truths[scene][i], word))
			return true;
	return false;
}

static void check_word(const char *word)
{
	for (size_t i = 0; i < SCENES; i++) {
		unsigned bits = 0;
		struct scene s;

		make(&s, i);
		assert_int_equal(run_fail_parse(word, &bits), 0);
		if (run_fail_found(&s.m, bits) != is_true(i, word))
			fail_msg("%s, scene %zu", word, i);
	}
}

static void each_word_is_true_for_what_it_names(void **state)
{
	static const char *const words[] = {
#define X(id, word) word,
		RUN_FAILS(X)
#undef X
			"eagain",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		check_word(words[i]);
}

/* What a file of suppressions names is known and meant. */
static void what_is_suppressed_is_not_found(void **state)
{
	static const char *const words[] = {"leak", "misuse", "child-leak"};
	static const size_t scenes[] = {1, 10, 15};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		unsigned bits = 0;
		struct scene s;

		make(&s, scenes[i]);
		s.fds.suppressed = s.misuse.suppressed = s.child_leak.suppressed = "known";
		assert_int_equal(run_fail_parse(words[i], &bits), 0);
		assert_false(run_fail_found(&s.m, bits));
	}
}

static void of_a_list_one_is_enough(void **state)
{
	unsigned bits = 0;
	struct scene s;

	(void)state;
	assert_int_equal(run_fail_parse("leak,limit,coverage", &bits), 0);
	make(&s, 14);
	assert_true(run_fail_found(&s.m, bits));
	make(&s, 7);
	assert_false(run_fail_found(&s.m, bits));
	assert_false(run_fail_found(&s.m, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_is_true_for_what_it_names),
		cmocka_unit_test(what_is_suppressed_is_not_found),
		cmocka_unit_test(of_a_list_one_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

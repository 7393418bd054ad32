/* SPDX-License-Identifier: MIT */
/* test_verdict_limit.c - what failures with EMFILE and ENFILE mean, by their numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "verdict_limit.h"

#define MS 1000000ull

static struct verdict_limit judge(struct verdict_limit_in in)
{
	struct verdict_limit v;

	if (!in.call)
		in.call = "accept";
	verdict_limit(&in, &v);
	assert_true(strlen(v.sentence) > 0);
	assert_true(strlen(v.advice) > 0);
	return v;
}

static const struct verdict_limit_in loop = {
	.count = 1000,
	.accepts = true,
	.where = "127.0.0.1:80",
	.run = 999,
	.run_ns = 500 * MS,
	.soft = 40,
	.hard = 40,
	.open = 40,
};

static void accepting_in_a_loop_is_told_with_its_rate(void **state)
{
	struct verdict_limit v = judge(loop);

	(void)state;
	assert_string_equal(v.cause, "accept-busy-loop");
	assert_true(v.busy);
	assert_true(v.rate_per_s > 1990 && v.rate_per_s < 2000);
	assert_non_null(strstr(v.sentence, "40 open, the limit is 40"));
	assert_non_null(strstr(v.sentence, "accept on 127.0.0.1:80 fails 999 times in a row"));
	assert_non_null(strstr(v.sentence, "1998 a second"));
	assert_non_null(strstr(v.advice, "spare fd"));
}

static void a_loop_too_short_for_a_clock_has_no_rate(void **state)
{
	struct verdict_limit_in in = loop;
	struct verdict_limit v;

	(void)state;
	in.run_ns = 0;
	v = judge(in);
	assert_true(v.busy);
	assert_true(v.rate_per_s == 0);
	assert_null(strstr(v.sentence, "a second"));
}

static void one_that_waits_in_between_is_no_loop(void **state)
{
	struct verdict_limit_in in = loop;

	(void)state;
	in.run_ns = 999 * 50 * MS;
	assert_string_equal(judge(in).cause, "descriptor-limit");
	in = loop;
	in.run = 19;
	assert_string_equal(judge(in).cause, "descriptor-limit");
}

static void what_does_not_accept_is_no_accept_loop(void **state)
{
	struct verdict_limit_in in = loop;

	(void)state;
	in.accepts = false;
	in.call = "open";
	assert_string_equal(judge(in).cause, "descriptor-limit");
}

static void the_advice_fits_the_limit(void **state)
{
	struct verdict_limit_in in = {.count = 1, .call = "open", .soft = 40, .hard = 400};

	(void)state;
	assert_non_null(strstr(judge(in).advice, "up to the hard one"));
	in.hard = 40;
	assert_non_null(strstr(judge(in).advice, "LimitNOFILE"));
	in.system = true;
	assert_non_null(strstr(judge(in).advice, "fs.file-max"));
	assert_string_equal(judge(in).cause, "system-limit");
}

static void an_unknown_limit_is_not_made_up(void **state)
{
	struct verdict_limit_in in = {.count = 1, .call = "open"};

	(void)state;
	assert_null(strstr(judge(in).sentence, "0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepting_in_a_loop_is_told_with_its_rate),
		cmocka_unit_test(a_loop_too_short_for_a_clock_has_no_rate),
		cmocka_unit_test(one_that_waits_in_between_is_no_loop),
		cmocka_unit_test(what_does_not_accept_is_no_accept_loop),
		cmocka_unit_test(the_advice_fits_the_limit),
		cmocka_unit_test(an_unknown_limit_is_not_made_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

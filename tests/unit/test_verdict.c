/* SPDX-License-Identifier: MIT */
/* test_verdict.c - synthetic histories of one birth site, each with the verdict it deserves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "verdict.h"

#define SECOND 1000000000ull

/* The number open at the end of each bucket; -1: no change in it. */
static struct verdict_in history(const int *open, unsigned n)
{
	struct verdict_in in = {.series_width_ns = SECOND};

	for (unsigned i = 0; i < n; i++) {
		in.series[i] = open[i] < 0 ? 0 : (uint32_t)open[i] + 1;
		if (open[i] < 0)
			continue;
		in.open = (uint64_t)open[i];
		in.peak = in.open > in.peak ? in.open : in.peak;
	}
	in.opened = in.peak * 10;
	in.closed = in.opened - in.open;
	return in;
}

static enum verdict_kind judge(struct verdict_in in)
{
	struct verdict v;

	verdict_judge(&in, &v);
	assert_true(strlen(v.reason) > 0);
	return v.kind;
}

#define HISTORY(...) \
	history((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void a_constant_pool_is_steady(void **state)
{
	(void)state;
	assert_int_equal(judge(HISTORY(10, 10, 10, 10, 10, 10, 10, 10, 10, 10)), VERDICT_steady);
	assert_int_equal(judge(HISTORY(10, -1, -1, -1, -1, -1, -1, 10)), VERDICT_steady);
}

static void warm_up_then_flat_is_steady(void **state)
{
	(void)state;
	assert_int_equal(judge(HISTORY(5, 40, 50, 50, 49, 50, 50, 50, 50, 50, 50, 50)),
			 VERDICT_steady);
}

static void a_sawtooth_is_steady(void **state)
{
	(void)state;
	assert_int_equal(judge(HISTORY(1, 20, 1, 19, 2, 20, 1, 20, 2, 18, 1, 20)), VERDICT_steady);
}

static void a_burst_of_load_is_steady(void **state)
{
	(void)state;
	assert_int_equal(judge(HISTORY(2, 3, 2, 3, 500, 700, 300, 3, 2, 3, 2, 3)), VERDICT_steady);
}

static void a_slow_leak_under_heavy_churn_is_a_leak(void **state)
{
	struct verdict_in in = HISTORY(3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20);

	(void)state;
	in.opened = 200000; /* one in ten thousand stays */
	in.closed = in.opened - in.open;
	assert_int_equal(judge(in), VERDICT_leak);
}

static void a_leak_at_each_reload_is_a_leak(void **state)
{
	(void)state;
	assert_int_equal(judge(HISTORY(1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5, -1, -1, 6)),
			 VERDICT_leak);
}

static void the_numbers_that_led_to_it_are_given(void **state)
{
	struct verdict_in in = HISTORY(0, 10, 20, 30, 40, 50, 60, 70);
	struct verdict v;

	(void)state;
	verdict_judge(&in, &v);
	assert_int_equal(v.trend.points, 8);
	assert_int_equal(v.trend.rises, 7);
	assert_int_equal(v.trend.falls, 0);
	assert_int_equal(v.trend.floor[0], 10);
	assert_int_equal(v.trend.floor[1], 40);
	assert_int_equal(v.trend.floor[2], 60);
	assert_int_equal((int)v.trend.slope_per_hour, 36000);
	assert_true(v.trend.confidence > 0.99);
}

static void a_gap_has_at_least_what_is_around_it(void **state)
{
	const uint32_t series[RECORD_SERIES] = {[1] = 4, [4] = 8};
	uint32_t h[RECORD_SERIES];
	uint64_t width = SECOND;

	(void)state;
	assert_int_equal(verdict_history(series, 6 * SECOND, 9, &width, h), 7);
	assert_memory_equal(h, ((const uint32_t[]){0, 3, 7, 7, 7, 9, 9}), 7 * sizeof(*h));
	/* Nothing changed for so long that the buckets are too narrow. */
	assert_int_equal(verdict_history(series, 60 * SECOND, 9, &width, h), 16);
	assert_int_equal(width, 4 * SECOND);
	assert_memory_equal(h, ((const uint32_t[]){3, 7, 9, 9}), 4 * sizeof(*h));
	assert_int_equal(verdict_history((const uint32_t[RECORD_SERIES]){0}, 0, 0, &width, h), 0);
}

static void a_short_rise_is_growing_not_yet_a_leak(void **state)
{
	(void)state;
	assert_int_equal(judge(HISTORY(3, 4, 5, 6)), VERDICT_growing);
}

/* haproxy's idle connections to its server, of thousands that came and went. */
static void a_few_more_of_many_that_come_and_go_is_not_growing(void **state)
{
	struct verdict_in in = HISTORY(9, 4, 7, 5, 4, 10, 7, 10, 10, 8, 10, 9);

	(void)state;
	assert_int_equal(judge(in), VERDICT_growing); /* 91 closed, 95 % sure */
	in.opened = 6446;
	in.closed = 6437;
	assert_int_equal(judge(in), VERDICT_steady);
	in = HISTORY(9, 4, 5, 4, 5, 6, 8, 6, 7, 9, 7, 7);
	in.opened = 6446;
	in.closed = 6439;
	assert_int_equal(judge(in), VERDICT_leak); /* 99 % sure */
	in = HISTORY(18, 8, 14, 10, 8, 20, 14, 20, 20, 16, 20, 18);
	in.opened = 6446;
	in.closed = 6428;
	assert_int_equal(judge(in), VERDICT_growing); /* by 8, 95 % sure */
}

static void a_pool_that_was_there_all_the_time_is_no_leak_at_the_end(void **state)
{
	struct verdict_in in = HISTORY(0, 20, 20, 20, 20, 20, 20, 20);

	(void)state;
	in.opened = 20;
	in.closed = 0;
	in.ended = true;
	assert_int_equal(judge(in), VERDICT_at_exit);
}

static void sockets_that_their_peers_closed_are_leaked(void **state)
{
	struct verdict_in in = HISTORY(10, 10, 10, 10);

	(void)state;
	in.half_dead = 9;
	in.ages = (const uint64_t[]){5 * SECOND}; /* it may be about to close them */
	in.ages_count = 1;
	assert_int_equal(judge(in), VERDICT_steady);
	in.ages = (const uint64_t[]){500 * SECOND};
	assert_int_equal(judge(in), VERDICT_leak);
	in.half_dead = 2;
	assert_int_equal(judge(in), VERDICT_steady);
}

static void connections_that_clients_keep_are_at_most_growing(void **state)
{
	struct verdict_in in = HISTORY(0, 10, 20, 30, 40, 50, 60, 70);

	(void)state;
	assert_int_equal(judge(in), VERDICT_leak);
	in.held = 60;
	assert_int_equal(judge(in), VERDICT_growing);
}

static void uptime_does_not_change_the_verdict(void **state)
{
	struct verdict_in leak = HISTORY(3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20);
	struct verdict_in pool = HISTORY(10, 10, 10, 10, 10, 10, 10, 10);

	(void)state;
	for (uint64_t width = SECOND; width < SECOND << 20; width *= 2) {
		leak.series_width_ns = pool.series_width_ns = width;
		assert_int_equal(judge(leak), VERDICT_leak);
		assert_int_equal(judge(pool), VERDICT_steady);
	}
}

static void all_of_many_left_at_exit_is_a_leak_and_one_is_not(void **state)
{
	struct verdict_in many = {.opened = 20, .open = 20, .peak = 20, .ended = true};
	struct verdict_in one = {.opened = 1, .open = 1, .peak = 1, .ended = true};

	(void)state;
	assert_int_equal(judge(many), VERDICT_leak);
	assert_int_equal(judge(one), VERDICT_at_exit);
}

/* memcached has an eventfd and an epoll fd for each thread, uwsgi a socketpair for each worker. */
static void what_a_daemon_is_wired_with_at_its_start_is_no_leak(void **state)
{
	const uint64_t at_start[] = {SECOND, SECOND, SECOND, SECOND - 1000000};
	const uint64_t spread[] = {SECOND, SECOND - 1000000, SECOND / 2, SECOND / 4};
	const uint64_t at_once[] = {2000000, 2000000, 2000000, 2000000};
	struct verdict_in in = {.opened = 4,
				.open = 4,
				.peak = 4,
				.ended = true,
				.plumbing = true,
				.ages = at_start,
				.ages_count = 4,
				.span_ns = SECOND + SECOND / 8};

	(void)state;
	assert_int_equal(judge(in), VERDICT_at_exit);
	in.plumbing = false; /* files, connections: opened for somebody */
	assert_int_equal(judge(in), VERDICT_leak);
	in.plumbing = true, in.ages = spread; /* one comes now and then */
	assert_int_equal(judge(in), VERDICT_leak);
	in.ages = at_once, in.span_ns = 2500000; /* and then it ended: nothing is known */
	assert_int_equal(judge(in), VERDICT_leak);
	in.ages = at_start, in.span_ns = SECOND * 2; /* in the middle of its life */
	assert_int_equal(judge(in), VERDICT_leak);
	in.span_ns = SECOND, in.ages_count = 3; /* one is of unknown age */
	assert_int_equal(judge(in), VERDICT_leak);
}

static void many_files_of_different_names_left_at_exit_are_a_cache(void **state)
{
	struct verdict_in in = {
		.opened = 20, .open = 20, .peak = 20, .different = 20, .ended = true};

	(void)state;
	assert_int_equal(judge(in), VERDICT_at_exit);
	in.different = 10; /* each twice */
	assert_int_equal(judge(in), VERDICT_leak);
	in.closed = 4, in.opened = 24, in.different = 19;
	assert_int_equal(judge(in), VERDICT_at_exit);
}

static void a_pool_that_fills_now_is_not_accused(void **state)
{
	struct verdict_in in = {.opened = 20, .open = 20, .peak = 20, .series_width_ns = SECOND};

	(void)state;
	in.series[0] = 21;
	assert_int_equal(judge(in), VERDICT_steady);
}

static void listeners_inherited_and_standard_fds_are_not_leaks(void **state)
{
	struct verdict_in listeners = {
		.opened = 10, .open = 10, .peak = 10, .listening = true, .ended = true};
	struct verdict_in inherited = {.inherited = 5};
	struct verdict_in standard = {.opened = 1, .open = 1, .standard = true, .ended = true};
	struct verdict_in closed = {.opened = 5, .closed = 5};

	(void)state;
	assert_int_equal(judge(listeners), VERDICT_steady);
	assert_int_equal(judge(inherited), VERDICT_inherited);
	assert_int_equal(judge(standard), VERDICT_expected);
	assert_int_equal(judge(closed), VERDICT_expected);
}

static void an_old_unused_fd_is_idle(void **state)
{
	struct verdict_in in = {.opened = 2, .open = 2, .peak = 2};

	(void)state;
	in.unused = 1;
	assert_int_equal(judge(in), VERDICT_idle);
	in.unused = 0;
	assert_int_equal(judge(in), VERDICT_steady);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_constant_pool_is_steady),
		cmocka_unit_test(warm_up_then_flat_is_steady),
		cmocka_unit_test(a_sawtooth_is_steady),
		cmocka_unit_test(a_burst_of_load_is_steady),
		cmocka_unit_test(a_slow_leak_under_heavy_churn_is_a_leak),
		cmocka_unit_test(a_leak_at_each_reload_is_a_leak),
		cmocka_unit_test(the_numbers_that_led_to_it_are_given),
		cmocka_unit_test(a_gap_has_at_least_what_is_around_it),
		cmocka_unit_test(a_few_more_of_many_that_come_and_go_is_not_growing),
		cmocka_unit_test(a_pool_that_was_there_all_the_time_is_no_leak_at_the_end),
		cmocka_unit_test(sockets_that_their_peers_closed_are_leaked),
		cmocka_unit_test(connections_that_clients_keep_are_at_most_growing),
		cmocka_unit_test(a_short_rise_is_growing_not_yet_a_leak),
		cmocka_unit_test(uptime_does_not_change_the_verdict),
		cmocka_unit_test(all_of_many_left_at_exit_is_a_leak_and_one_is_not),
		cmocka_unit_test(what_a_daemon_is_wired_with_at_its_start_is_no_leak),
		cmocka_unit_test(many_files_of_different_names_left_at_exit_are_a_cache),
		cmocka_unit_test(a_pool_that_fills_now_is_not_accused),
		cmocka_unit_test(listeners_inherited_and_standard_fds_are_not_leaks),
		cmocka_unit_test(an_old_unused_fd_is_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

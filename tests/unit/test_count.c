/* SPDX-License-Identifier: MIT */
/*
 * test_count.c - counts that a signal handler makes in the middle of another's are not lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/time.h>
#include "count.h"

#define SIGNALS 300u
#define AT_ONCE 1000u

/* Not constants to the compiler, and looked at by nobody else. */
static uint64_t wide, wide_own, next;
static volatile uint64_t latest = UINT64_MAX, same; /* numbers that two had */
static uint32_t narrow, narrow_own, flags = 0x80000000u;
static volatile sig_atomic_t signals;

static void on_alarm(int signo)
{
	(void)signo;
	count_add64(&wide, 1);
	count_add32(&narrow, 1);
	count_or32(&flags, 4);
	latest = count_next64(&next);
	signals++;
}

static void count_for_a_while(void)
{
	for (unsigned i = 0; i < AT_ONCE; i++) {
		count_add64(&wide, 3);
		wide_own += 3;
		count_add32(&narrow, 5);
		narrow_own += 5;
		same += count_next64(&next) == latest;
		count_or32(&flags, 1);
		count_and32(&flags, ~1u);
	}
}

static void no_count_of_a_handler_is_lost(void **state)
{
	const struct sigaction act = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
	struct sigaction before;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &act, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	while ((unsigned)signals < SIGNALS) {
		count_for_a_while();
		count_and32(&flags, ~4u);
	}
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_int_equal(wide, wide_own + (uint64_t)signals);
	assert_int_equal(narrow, narrow_own + (uint32_t)signals);
	assert_int_equal(next, narrow_own / 5 + (uint64_t)signals);
	assert_int_equal(same, 0);
	assert_int_equal(flags & ~4u, 0x80000000u);
}

static void the_sign_is_told_and_kept(void **state)
{
	uint32_t counter = 0x7ffffffeu;

	(void)state;
	assert_false(count_up_is_negative(&counter));
	assert_true(count_up_is_negative(&counter));
	assert_int_equal(counter, 0x80000000u);
	assert_true(count_up_is_negative(&counter));
	count_add32(&counter, -1u);
	assert_int_equal(counter, 0x80000000u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_count_of_a_handler_is_lost),
		cmocka_unit_test(the_sign_is_told_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

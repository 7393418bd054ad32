/* SPDX-License-Identifier: MIT */
/*
 * cmocka_checks.c - tests that fail, each in one way that fdwhy_cmocka.h must tell of.
 * LIBS: -lcmocka
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include "fdwhy_cmocka.h"

static void fails_less_often_than_expected(void **state)
{
	int s[2];

	(void)state;
	fdwhy_inject("send:error=EPIPE:when=1");
	fdwhy_expect("send", EPIPE, 2);
	assert_false(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	assert_int_equal(send(s[0], "x", 1, 0), -1);
	assert_int_equal(send(s[0], "x", 1, 0), 1);
	close(s[0]);
	close(s[1]);
}

/* The rule of the test before is gone; nothing fails and nothing was expected to. */
static void rules_end_with_their_test(void **state)
{
	int s[2];

	(void)state;
	fdwhy_expect("%send", EPIPE, 0);
	assert_false(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	assert_int_equal(send(s[0], "x", 1, 0), 1);
	close(s[0]);
	close(s[1]);
}

static void has_a_wrong_rule(void **state)
{
	(void)state;
	fdwhy_inject("sned:error=EPIPE");
}

static void expects_of_no_call(void **state)
{
	(void)state;
	fdwhy_expect("sned", EPIPE, 0);
}

static void leaks_two(void **state)
{
	(void)state;
	assert_true(open("/dev/null", O_RDONLY) >= 0);
	assert_true(open("/dev/zero", O_RDONLY) >= 0);
}

/* What the test before left open is not this one's. */
static void leaks_nothing(void **state)
{
	(void)state;
	close(open("/dev/null", O_RDONLY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fdwhy_unit_test(fails_less_often_than_expected),
		fdwhy_unit_test(rules_end_with_their_test),
		fdwhy_unit_test(has_a_wrong_rule),
		fdwhy_unit_test(expects_of_no_call),
		fdwhy_unit_test(leaks_two),
		fdwhy_unit_test(leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_dial.c - a worked example: cmocka tests that meet failures which hardly ever happen, and
 * that fail when an fd is left open. `fdwhy run -- build/examples/test_dial`; without fdwhy the
 * tests that need it are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "dial.h"
#include "fdwhy_cmocka.h"

static struct sockaddr_un service = {.sun_family = AF_UNIX};
static int listener;

/* Made once for all tests: not a leak of any. */
static int start_service(void **state)
{
	char dir[] = "/tmp/test_dial-XXXXXX";

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(service.sun_path, sizeof(service.sun_path), "%s/socket", dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(listener, (const struct sockaddr *)&service, sizeof(service)) ||
	       listen(listener, 8);
}

static int stop_service(void **state)
{
	char *slash = strrchr(service.sun_path, '/');

	(void)state;
	close(listener);
	unlink(service.sun_path);
	*slash = '\0';
	return rmdir(service.sun_path);
}

static void a_service_is_reached(void **state)
{
	int fd;

	(void)state;
	fdwhy_expect("connect", EAGAIN, 0);
	fd = dial(service.sun_path, 0);
	assert_true(fd >= 0);
	close(fd);
}

/* The first two connects fail as they do when the backlog is full; the third is real. */
static void a_full_backlog_is_tried_again(void **state)
{
	int fd;

	(void)state;
	fdwhy_inject("connect:error=EAGAIN:when=1..2");
	fdwhy_expect("connect", EAGAIN, 2);
	fd = dial(service.sun_path, 2);
	assert_true(fd >= 0);
	close(fd);
}

static void a_backlog_that_stays_full_is_an_error(void **state)
{
	(void)state;
	fdwhy_inject("connect:error=EAGAIN");
	fdwhy_expect("connect", EAGAIN, 4);
	assert_int_equal(dial(service.sun_path, 3), -1);
	assert_int_equal(errno, EAGAIN);
}

/* What only shows when it happens: with -DDIAL_LEAKS this test fails at its end. */
static void a_refused_connection_leaves_nothing_open(void **state)
{
	(void)state;
	fdwhy_inject("connect:error=ECONNREFUSED");
	assert_int_equal(dial(service.sun_path, 0), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static void too_many_open_files_is_an_error(void **state)
{
	(void)state;
	fdwhy_inject("socket:error=EMFILE");
	fdwhy_expect("socket", EMFILE, 1);
	assert_int_equal(dial(service.sun_path, 0), -1);
	assert_int_equal(errno, EMFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fdwhy_unit_test(a_service_is_reached),
		fdwhy_unit_test(a_full_backlog_is_tried_again),
		fdwhy_unit_test(a_backlog_that_stays_full_is_an_error),
		fdwhy_unit_test(a_refused_connection_leaves_nothing_open),
		fdwhy_unit_test(too_many_open_files_is_an_error),
	};

	return cmocka_run_group_tests(tests, start_service, stop_service);
}

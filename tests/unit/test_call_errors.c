/* SPDX-License-Identifier: MIT */
/* test_call_errors.c - the errors of each call: named, none twice, and those of the man pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "call_errors.h"
#include "names.h"
#include "rules_parse.h"

/* Rows that fail without an errno, or never. */
static bool silent(const char *name)
{
	static const char *const names[] = {
		"_exit",   "closefrom", "dlclose", "endmntent",    "fcloseall",    "closelog",
		"openlog", "syslog",    "vsyslog", "__syslog_chk", "__vsyslog_chk"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void every_row_has_errors(void **state)
{
	(void)state;
	for (unsigned call = 1; call < CALL_COUNT; call++) {
		size_t n;
		const int *errors = call_errors((enum call_id)call, &n);

		if (silent(call_name(call)) != !n)
			fail_msg("%s: %zu errors: give it a line in call_errors.c",
				 call_name(call), n);
		assert_int_equal(!errors, !n);
	}
}

static void check(unsigned call, const int *errors, size_t at)
{
	const char *name = rules_error_name(errors[at]);

	if (!name)
		fail_msg("%s: error %d has no name", call_name(call), errors[at]);
	assert_int_equal(rules_error_number(name, strlen(name)), errors[at]);
	for (size_t i = 0; i < at; i++)
		if (errors[i] == errors[at])
			fail_msg("%s: %s twice", call_name(call), name);
}

static void every_error_has_a_name_and_is_there_once(void **state)
{
	(void)state;
	for (unsigned call = 1; call < CALL_COUNT; call++) {
		size_t n;
		const int *errors = call_errors((enum call_id)call, &n);

		for (size_t i = 0; i < n; i++)
			check(call, errors, i);
	}
}

/* Samples of what the man pages say, one of each family. */
static void errors_are_those_of_the_man_pages(void **state)
{
	static const struct {
		enum call_id call;
		int error;
		bool gives;
	} rows[] = {
		{CALL_connect, EAGAIN, true},   {CALL_connect, ENOSPC, false},
		{CALL_send, EPIPE, true},       {CALL_send, ENOSPC, false},
		{CALL_write, ENOSPC, true},     {CALL_write, ENOTSOCK, false},
		{CALL_recv, EPIPE, false},      {CALL___recv_chk, ENOTCONN, true},
		{CALL_read, EISDIR, true},      {CALL___read_chk, EPIPE, false},
		{CALL_accept4, EMFILE, true},   {CALL_accept, ENOENT, false},
		{CALL___open_2, ENOENT, true},  {CALL_open, EPIPE, false},
		{CALL_close, EINTR, true},      {CALL_close, EAGAIN, false},
		{CALL_flock, EAGAIN, true},     {CALL_flock, EDEADLK, false},
		{CALL_fcntl, EDEADLK, true},    {CALL_socket, EAGAIN, false},
		{CALL_epoll_wait, EINTR, true}, {CALL_epoll_wait, EAGAIN, false},
		{CALL_fork, EAGAIN, true},      {CALL_vfork, EAGAIN, true},
		{CALL_execve, E2BIG, true},     {CALL_eventfd, EMFILE, true},
		{CALL__exit, EINVAL, false},    {CALL_NONE, EINVAL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (call_errors_gives(rows[i].call, rows[i].error) != rows[i].gives)
			fail_msg("%s: %s: not as in its man page", call_name(rows[i].call),
				 strerror(rows[i].error));
}

/* As errno -l of moreutils lists them: a rule can name every error of this system. */
static void the_errors_of_the_system_have_names(void **state)
{
	(void)state;
	for (int error = 1; error < 134; error++)
		if (strncmp(strerror(error), "Unknown", 7) && !rules_error_name(error))
			fail_msg("%d (%s) has no name", error, strerror(error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_errors),
		cmocka_unit_test(every_error_has_a_name_and_is_there_once),
		cmocka_unit_test(errors_are_those_of_the_man_pages),
		cmocka_unit_test(the_errors_of_the_system_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_child_table.c - the end of a process's table of open files, as a fork child finds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "child_table.h"

/* Ends a process that cannot set the scene. */
#define NO_SCENE 99

static bool set_scene(int from, int to)
{
	int fd = open("/dev/null", O_RDONLY);

	if (fd < 0 || dup2(fd, 0) != 0)
		return false;
	for (int i = 1; i < 4096; i++)
		close(i);
	for (int i = from; i <= to; i++)
		if (dup2(0, i) != i)
			return false;
	return true;
}

/* The exit status of a child that does run(). */
static int status_of(int (*run)(int from, int to), int from, int to)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(run(from, to));
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									       : NO_SCENE;
}

static int end_here(int from, int to)
{
	(void)from;
	(void)to;
	return (int)child_table_end(1) / 64;
}

/* The table of a child of this is as small as can be. */
static int end_in_child(int from, int to)
{
	return set_scene(from, to) ? status_of(end_here, from, to) : NO_SCENE;
}

/* / 64, with 0 and from..to open. */
static int end_with(int from, int to)
{
	return status_of(end_in_child, from, to);
}

static void no_open_number_is_beyond_the_end(void **state)
{
	static const int numbers[] = {1, 3, 63, 64, 127, 128, 255, 256, 300, 511, 512, 900, 1023};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int end = end_with(numbers[i], numbers[i]);

		if (end && end != NO_SCENE)
			assert_true(end * 64 > numbers[i]);
	}
}

static void a_table_full_of_open_numbers_has_no_end(void **state)
{
	struct rlimit r;
	int end;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &r);
	end = end_with(1, r.rlim_cur < 1024 ? (int)r.rlim_cur - 1 : 1023);
	assert_true(!end || end == NO_SCENE || end * 64 >= (int)r.rlim_cur);
}

static void few_open_numbers_are_known_to_be_all(void **state)
{
	int end = end_with(1, 5);

	(void)state;
	if (!end) {
		printf("skipped: select() of this kernel does not tell the size of the table\n");
		skip();
	}
	assert_int_equal(end, 1);
}

static void what_is_known_to_be_open_is_below_the_end(void **state)
{
	uint32_t end;

	(void)state;
	end = child_table_end(200);
	assert_true(!end || end >= 256);
	assert_int_equal(child_table_end(5000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_open_number_is_beyond_the_end),
		cmocka_unit_test(a_table_full_of_open_numbers_has_no_end),
		cmocka_unit_test(few_open_numbers_are_known_to_be_all),
		cmocka_unit_test(what_is_known_to_be_open_is_below_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_run_options.c - the command line of `fdwhy run`: what is taken, and what is refused. */
#include <fcntl.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "run.h"

#define ARGS 12

/* Parses without the messages on this program's own output. */
static int parse(char *const words[], struct run_options *ret)
{
	static char *argv[ARGS];
	int argc = 0, status, saved[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (argv[argc++] = (char *)(uintptr_t) "run"; *words && argc < ARGS - 1; words++)
		argv[argc++] = *words;
	argv[argc] = NULL;
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		saved[i] = dup(i + 1);
		dup2(null, i + 1);
	}
	optind = 0; /* getopt_long starts anew */
	status = run_parse(argc, argv, ret);
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(saved[i], i + 1);
		close(saved[i]);
	}
	close(null);
	return status;
}

#define PARSE(o, ...) parse((char *const[]){__VA_ARGS__, NULL}, o)

static void without_options_everything_has_its_default(void **state)
{
	struct run_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "sh"), 0);
	assert_null(o.directory);
	assert_null(o.log);
	assert_null(o.stacks);
	assert_null(o.size);
	assert_false(o.log_stacks || o.wait_child_only || o.quiet || o.report);
	assert_int_equal(o.fail_on, 0);
	assert_int_equal(o.error_exitcode, -1);
	assert_string_equal(o.command[0], "sh");
	assert_null(o.command[1]);
}

static void the_commands_own_options_are_left_to_it(void **state)
{
	struct run_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-q", "redis-server", "--port", "0", "-o"), 0);
	assert_true(o.quiet);
	assert_null(o.directory);
	assert_string_equal(o.command[0], "redis-server");
	assert_string_equal(o.command[3], "-o");
	assert_int_equal(PARSE(&o, "--", "-odd-name", "-q"), 0);
	assert_false(o.quiet);
	assert_string_equal(o.command[0], "-odd-name");
}

static void each_option_sets_what_it_names(void **state)
{
	struct run_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-o", "dir", "--log=f", "--log-stacks", "--report", "x"), 0);
	assert_string_equal(o.directory, "dir");
	assert_string_equal(o.log, "f");
	assert_true(o.log_stacks && o.report);
	assert_int_equal(PARSE(&o, "--wait=child", "--stacks=0", "--size=small", "x"), 0);
	assert_true(o.wait_child_only);
	assert_string_equal(o.stacks, "0");
	assert_string_equal(o.size, "small");
	assert_int_equal(PARSE(&o, "--wait=child", "--wait=tree", "x"), 0);
	assert_false(o.wait_child_only);
	assert_int_equal(PARSE(&o, "--error-exitcode=255", "x"), 0);
	assert_int_equal(o.error_exitcode, 255);
}

static void fail_on_takes_a_list(void **state)
{
	struct run_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--fail-on=leak", "x"), 0);
	assert_int_equal(o.fail_on, FAIL_leak);
	assert_int_equal(PARSE(&o, "--fail-on=misuse,eagain", "x"), 0);
	assert_int_equal(o.fail_on, FAIL_misuse | FAIL_failure);
	assert_int_equal(PARSE(&o, "--fail-on=leak", "--fail-on=misuse", "x"), 0);
	assert_int_equal(o.fail_on, FAIL_leak | FAIL_misuse);
}

static void a_wrong_value_is_refused(void **state)
{
	static char *const wrong[] = {"--wait=",
				      "--wait=trees",
				      "--fail-on=",
				      "--fail-on=lea",
				      "--fail-on=leaks",
				      "--fail-on=leak;eagain",
				      "--fail-on=,leak",
				      "--stacks=",
				      "--stacks=129",
				      "--stacks=-1",
				      "--stacks=8x",
				      "--size=huge",
				      "--size=",
				      "--error-exitcode=256",
				      "--error-exitcode=x",
				      "--error-exitcode=",
				      "--no-such-option",
				      "-Z"};
	struct run_options o;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int status = PARSE(&o, wrong[i], "x");

		if (status != 125)
			print_error("%s was taken\n", wrong[i]);
		assert_int_equal(status, 125);
	}
}

static void an_option_without_its_value_is_refused(void **state)
{
	struct run_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-o"), 125);
	assert_int_equal(PARSE(&o, "--log"), 125);
}

static void no_command_is_an_error_and_help_is_not(void **state)
{
	struct run_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "-q"), 125);
	assert_int_equal(PARSE(&o, "--"), 125);
	assert_int_equal(PARSE(&o, "--help"), 1);
	assert_int_equal(PARSE(&o, "-h", "--no-such-option"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_options_everything_has_its_default),
		cmocka_unit_test(the_commands_own_options_are_left_to_it),
		cmocka_unit_test(each_option_sets_what_it_names),
		cmocka_unit_test(fail_on_takes_a_list),
		cmocka_unit_test(a_wrong_value_is_refused),
		cmocka_unit_test(an_option_without_its_value_is_refused),
		cmocka_unit_test(no_command_is_an_error_and_help_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

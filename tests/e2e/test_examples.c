/* SPDX-License-Identifier: MIT */
/*
 * test_examples.c - the worked example of examples/, fdwhy_cmocka.h, and both as they are installed
 * with fdwhy.pc.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "harness.h"

static int under_fdwhy(const struct work *w, const char *program, struct proc *ret)
{
	char *argv[] = {ARG(built("fdwhy")), "run", "-q", "--", ARG(built(program)), NULL};

	return run(w, argv, NULL, ret);
}

/* cmocka writes to both. */
static void expect_said(const struct proc *p, const char *words)
{
	char *out = file_text(p->out), *err = file_text(p->err);

	if (!strstr(out, words) && !strstr(err, words))
		fail_msg("\"%s\" was not said in\n%s%s", words, out, err);
	free(out);
	free(err);
}

static void without_fdwhy_it_skips_what_it_cannot_do(void **state)
{
	char *argv[] = {ARG(built("examples/test_dial")), NULL};
	struct proc p;

	assert_int_equal(run(*state, argv, NULL, &p), 0);
	expect_said(&p, "fdwhy: not active");
	expect_said(&p, "PASSED  ] 1 test(s)");
	expect_said(&p, "4 SKIPPED");
}

static void the_example_passes_under_fdwhy(void **state)
{
	struct proc p;

	assert_int_equal(under_fdwhy(*state, "examples/test_dial", &p), 0);
	expect_said(&p, "PASSED  ] 5 test(s)");
}

static void its_bug_is_found_with_the_stack_of_the_birth(void **state)
{
	struct proc p;

	assert_int_not_equal(under_fdwhy(*state, "examples/test_dial_leaks", &p), 0);
	expect_said(&p,
		    "leaked: unix-stream, made by socket at\nfdwhy:   dial  test_dial_leaks+0x");
	expect_said(&p, "fdwhy:   a_refused_connection_leaves_nothing_open  test_dial_leaks+0x");
	expect_said(&p, "fdwhy:   main  ");
	expect_said(&p, "ERROR   ] a_refused_connection_leaves_nothing_open");
	expect_said(&p, "PASSED  ] 4 test(s)");
}

static void each_check_says_what_is_wrong(void **state)
{
	struct proc p;

	assert_int_not_equal(under_fdwhy(*state, "targets/cmocka_checks", &p), 0);
	expect_said(&p, "send failed with error 32 (Broken pipe) 1 times, expected 2");
	expect_said(&p, "OK ] rules_end_with_their_test");
	expect_said(&p, "sned:error=EPIPE: column 1: unknown call \"sned\"");
	expect_said(&p, "did you mean \"send\"?");
	expect_said(&p, "sned: no such call");
	expect_said(&p, "leaked: file /dev/null, made by open at");
	expect_said(&p, "leaked: file /dev/zero, made by open at");
	expect_said(&p, "OK ] leaks_nothing");
	expect_said(&p, "PASSED  ] 2 test(s)");
}

/* As a user has it: headers and fdwhy.pc of an installation, compiled by what pkg-config says. */
static void installed_it_is_found_by_pkg_config(void **state)
{
	static const char script[] =
		"set -e\n"
		"unset MAKEFLAGS MAKELEVEL MFLAGS\n"
		"make -s -C %s O=%s PREFIX=%s/usr install >make.log 2>&1 || { cat make.log; exit "
		"3; }\n"
		"export PKG_CONFIG_PATH=%s/usr/lib/pkgconfig\n"
		"test -e \"$(pkg-config --variable=library fdwhy)\"\n"
		"pkg-config --modversion fdwhy\n"
		"cc -g $(pkg-config --cflags fdwhy) %s/examples/test_dial.c %s/examples/dial.c"
		" -lcmocka $(pkg-config --libs fdwhy) -o test_dial\n"
		"usr/bin/fdwhy run -q -- ./test_dial\n"
		"make -s -C %s O=%s PREFIX=%s/usr uninstall >make.log 2>&1\n"
		"test -z \"$(find usr -type f)\"\n";
	const struct work *w = *state;
	char *argv[] = {"bash", "script", NULL}, root[PATH_MAX], build[PATH_MAX];
	struct proc p;

	assert_non_null(getcwd(root, sizeof(root)));
	snprintf(build, sizeof(build), "%s", built("fdwhy"));
	*strrchr(build, '/') = '\0';
	file_write(work_path(w, "script"), script, root, build, w->dir, w->dir, root, root, root,
		   build, w->dir);
	if (run(w, argv, NULL, &p))
		fail_msg("%s%s", file_text(p.out), file_text(p.err));
	expect_said(&p, "PASSED  ] 5 test(s)");
}

/* A helper in another file injects: the rule ends with the test, the expectation is checked. */
static void several_files_share_the_test_that_runs(void **state)
{
	static const char head[] = "#include <setjmp.h>\n#include <stdarg.h>\n#include <stddef.h>\n"
				   "#include <stdint.h>\n#include <cmocka.h>\n"
				   "#include \"fdwhy_cmocka.h\"\nvoid help(void);\n";
	const struct work *w = *state;
	char root[PATH_MAX], fdwhy[PATH_MAX], script[3 * PATH_MAX];
	char *argv[] = {"bash", "-c", script, NULL};
	struct proc p;

	assert_non_null(getcwd(root, sizeof(root)));
	snprintf(fdwhy, sizeof(fdwhy), "%s", built("fdwhy"));
	file_write(work_path(w, "help.c"),
		   "%svoid help(void)\n{\n\tfdwhy_inject(\"dup:error=EMFILE\");\n"
		   "\tfdwhy_expect(\"dup\", EMFILE, 1);\n}\n",
		   head);
	file_write(work_path(w, "test.c"),
		   "%sstatic void one(void **s)\n{\n\t(void)s;\n\thelp();\n"
		   "\tassert_int_equal(dup(0), -1);\n}\n"
		   "static void two(void **s)\n{\n\tint fd = dup(0);\n\n\t(void)s;\n"
		   "\tassert_true(fd >= 0);\n\tclose(fd);\n}\n"
		   "static void three(void **s)\n{\n\t(void)s;\n\thelp();\n}\n"
		   "int main(void)\n{\n\tconst struct CMUnitTest t[] = {fdwhy_unit_test(one),"
		   " fdwhy_unit_test(two), fdwhy_unit_test(three)};\n\n"
		   "\treturn cmocka_run_group_tests(t, NULL, NULL);\n}\n",
		   head);
	snprintf(script, sizeof(script),
		 "cc -I%s/include test.c help.c -lcmocka -o both && %s run -q -- ./both", root,
		 fdwhy);
	assert_int_equal(run(w, argv, NULL, &p), 1);
	expect_said(&p, "PASSED  ] 2 test(s)");
	expect_said(&p, "help.c:11: fdwhy: dup failed with error 24");
}

/* Whatever a user's compiler is told: nothing of ours adds to its warnings. */
static void the_headers_compile_without_a_warning(void **state)
{
	static const char *const compilers[] = {"gcc", "clang"};
	static const char *const standards[] = {"gnu99", "gnu11", "gnu17",
						"c11 -D_POSIX_C_SOURCE=200809L"};
	char script[1024], root[PATH_MAX];
	char *argv[] = {"bash", "-c", script, NULL};
	struct proc p;

	assert_non_null(getcwd(root, sizeof(root)));
	for (size_t i = 0; i < 8; i++) {
		if (!installed(compilers[i / 4]))
			continue;
		snprintf(script, sizeof(script),
			 "cd %.500s && %s -std=%s -Wall -Wextra -Wshadow -Wconversion -Wpedantic"
			 " -Werror -Iinclude -fsyntax-only examples/test_dial.c",
			 root, compilers[i / 4], standards[i % 4]);
		if (run(*state, argv, NULL, &p))
			fail_msg("%s\n%s", script, file_text(p.err));
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(without_fdwhy_it_skips_what_it_cannot_do),
		T(the_example_passes_under_fdwhy),
		T(its_bug_is_found_with_the_stack_of_the_birth),
		T(each_check_says_what_is_wrong),
		T(installed_it_is_found_by_pkg_config),
		T(several_files_share_the_test_that_runs),
		T(the_headers_compile_without_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

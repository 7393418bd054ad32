/* SPDX-License-Identifier: MIT */
/*
 * test_suppress.c - what is known and meant is not shown and does not fail a run; what is written
 * suppresses what it was written for, and nothing else; a mistake is pointed at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "harness.h"

static int fdwhy(const struct work *w, struct proc *p, char *const args[])
{
	char *argv[16] = {strdup(built("fdwhy"))};
	int status;

	for (size_t i = 0; args[i] && i < 14; i++)
		argv[1 + i] = args[i];
	status = run(w, argv, NULL, p);
	free(argv[0]);
	return status;
}

#define FDWHY(w, p, ...) fdwhy(w, p, (char *const[]){__VA_ARGS__, NULL})

static void record(const struct work *w, const char *target, const char *way)
{
	char *argv[] = {strdup(built(target)), ARG(way), strdup(built("targets/misuse_plugin")),
			NULL};

	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	free(argv[0]);
	free(argv[2]);
}

static json_object *report_with(const struct work *w, const char *option)
{
	struct proc p;
	json_object *r;
	char *text;

	assert_int_equal(FDWHY(w, &p, "report", "--json", ARG(option), "s"), 0);
	text = file_text(p.out);
	r = json_tokener_parse(text);
	assert_non_null(r);
	free(text);
	return r;
}

/* What `fdwhy suppress` wrote, which is in known.supp now. */
static char *suppress(const struct work *w)
{
	struct proc p;
	char *text;

	assert_int_equal(FDWHY(w, &p, "suppress", "s"), 0);
	text = file_text(p.out);
	file_write(work_path(w, "known.supp"), "%s", text);
	return text;
}

static void what_is_written_suppresses_what_it_was_written_for(void **state)
{
	const struct work *w = *state;
	json_object *r, *f;
	char *text;

	record(w, "targets/lifetime", "leak");
	text = suppress(w);
	assert_non_null(strstr(text, "# leak: 20 opened, none closed\n"));
	assert_non_null(strstr(text, "leak open:function=leak_files:module=lifetime"));
	free(text);
	r = report_with(w, "--suppressions=known.supp");
	f = find_site(r, "fds", "open", "leak_files");
	assert_string_equal(text_of(f, "verdict"), "leak");
	assert_string_equal(text_of(f, "suppressed"), "known.supp:2");
	assert_int_equal(number_of(r, "totals.leaks"), 0);
	assert_int_equal(number_of(r, "totals.suppressed"), 1);
	json_object_put(r);
	file_write(work_path(w, "other.supp"), "leak open:function=leak_files:target=/dev/zero\n"
					       "leak open:function=churn_files\n"
					       "misuse open:function=leak_files\n"
					       "leak socket:function=leak_files\n");
	r = report_with(w, "--suppressions=other.supp");
	assert_int_equal(number_of(r, "totals.leaks"), 1);
	assert_int_equal(number_of(r, "totals.suppressed"), 0);
	json_object_put(r);
}

static void misuse_is_suppressed_by_its_own_place(void **state)
{
	const struct work *w = *state;
	json_object *r;
	char *text;

	record(w, "targets/misuse", "foreign");
	text = suppress(w);
	assert_non_null(strstr(text, "# foreign-close\nmisuse read:function=use_it:module=misuse"));
	free(text);
	r = report_with(w, "--suppressions=known.supp");
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	assert_int_equal(number_of(r, "totals.suppressed"), 2);
	json_object_put(r);
	file_write(work_path(w, "one.supp"), "misuse read:function=use_*\n");
	r = report_with(w, "--suppressions=one.supp");
	assert_int_equal(number_of(r, "totals.misuse"), 1);
	json_object_put(r);
}

static void a_run_does_not_fail_for_what_is_suppressed(void **state)
{
	const struct work *w = *state;
	struct proc p;
	char *target = strdup(built("targets/lifetime"));
	char *text;

	file_write(work_path(w, "known.supp"), "leak open:function=leak_files\n");
	assert_int_equal(FDWHY(w, NULL, "run", "-q", "--fail-on=leak", "-o", "a", target, "leak"),
			 1);
	assert_int_equal(FDWHY(w, &p, "run", "-q", "--fail-on=leak", "--report",
			       "--suppressions=known.supp", "-o", "b", target, "leak"),
			 0);
	text = file_text(p.out);
	assert_non_null(strstr(text, "Suppressed: 1 place"));
	assert_null(strstr(text, "leak_files"));
	free(text);
	free(target);
}

static void a_mistake_is_pointed_at_before_anything_starts(void **state)
{
	const struct work *w = *state;
	struct proc p;
	char *text;

	file_write(work_path(w, "bad.supp"), "# known\n\nleak opn:function=x\n");
	assert_int_equal(FDWHY(w, &p, "run", "-q", "--suppressions=bad.supp", "touch", "started"),
			 125);
	text = file_text(p.err);
	assert_string_equal(text,
			    "fdwhy: bad.supp:3:6: unknown call \"opn\"; did you mean \"open\"?\n"
			    "  leak opn:function=x\n"
			    "       ^~~\n");
	free(text);
	assert_int_equal(access(work_path(w, "started"), F_OK), -1);
	assert_int_equal(FDWHY(w, &p, "report", "--suppressions=none.supp"), 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(what_is_written_suppresses_what_it_was_written_for),
		T(misuse_is_suppressed_by_its_own_place),
		T(a_run_does_not_fail_for_what_is_suppressed),
		T(a_mistake_is_pointed_at_before_anything_starts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

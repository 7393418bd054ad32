/* SPDX-License-Identifier: MIT */
/*
 * test_api.c - the C API of include/fdwhy.h, asked by a target that checks the answers; without the
 * shim, with it switched off, and under fdwhy run; position independent or not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static const char *const targets[] = {"targets/api", "targets/api_fixed"};

static int start(const struct work *w, bool shim, const char *target, const char *mode,
		 char *const env[])
{
	char *bare[] = {ARG(built(target)), ARG(mode), NULL};
	char *with[] = {ARG(built("fdwhy")), "run",     "-q", "--",
			ARG(built(target)),  ARG(mode), NULL};
	struct proc p;
	int status = run(w, shim ? with : bare, env, &p);

	if (status)
		print_error("%s %s: %s%s", target, mode, file_text(p.out), file_text(p.err));
	return status;
}

static void in_all_targets(const struct work *w, const char *mode)
{
	for (size_t i = 0; i < 2; i++) {
		remove(work_path(w, "full"));
		remove(work_path(w, "lock"));
		assert_int_equal(start(w, true, targets[i], mode, NULL), 0);
	}
}

static void without_the_shim_every_function_says_so(void **state)
{
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(start(*state, false, targets[i], "unloaded", NULL), 0);
}

static void a_shim_that_is_off_says_so(void **state)
{
	char preload[600];
	char *env[] = {preload, "FDWHY=off", NULL};

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("libfdwhy.so"));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(start(*state, false, targets[i], "off", env), 0);
}

static void leaks_since_a_mark_are_told_with_their_birth(void **state)
{
	in_all_targets(*state, "leaks");
}

/* And nobody's open or close is taken for one that was not seen. */
static void marks_and_threads_do_not_meet(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built(targets[0])), "threads", NULL};
	json_object *r;

	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	r = report_of(w, work_path(w, "s"));
	assert_int_equal(json_object_array_length(field(r, "coverage")), 0);
	json_object_put(r);
}

static void failures_and_births_are_counted(void **state)
{
	in_all_targets(*state, "counts");
}

static void rules_are_added_removed_and_counted_anew(void **state)
{
	in_all_targets(*state, "rules");
}

/* The session's rules stay whose they are: of all other processes, and so are their counts. */
static void rules_of_its_own_are_nobody_elses(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("fdwhy")),
			"run",
			"-q",
			"-o",
			ARG(work_path(w, "s")),
			"--inject=open:path=/none:error=EIO",
			ARG(built(targets[0])),
			"own",
			NULL};
	json_object *r, *rules;
	struct proc p;

	if (run(w, argv, NULL, &p))
		fail_msg("%s%s", file_text(p.out), file_text(p.err));
	r = report_of(w, work_path(w, "s"));
	rules = field(r, "rules");
	assert_int_equal(json_object_array_length(rules), 1);
	assert_int_equal(number_of(json_object_array_get_idx(rules, 0), "acted"), 1);
	json_object_put(r);
}

static void the_latest_failure_has_its_cause(void **state)
{
	in_all_targets(*state, "failure");
}

/* The words of the causes are those of the report, for the same failures. */
static void causes_are_those_of_the_report(void **state)
{
	static const char *const calls[] = {"read", "write", "connect", "flock"};
	const struct work *w = *state;
	char *argv[] = {ARG(built("fdwhy")),    "run",     "-q", "-o", ARG(work_path(w, "s")),
			ARG(built(targets[0])), "failure", NULL};
	struct proc p;
	char *text;
	json_object *r;

	assert_int_equal(run(w, argv, NULL, &p), 0);
	text = file_text(p.out);
	r = report_of(w, work_path(w, "s"));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		json_object *site = find_site(r, "eagain", calls[i], NULL);
		char said[128];

		assert_non_null(site);
		snprintf(said, sizeof(said), "%s %s %s ", calls[i], text_of(site, "target.kind"),
			 text_of(site, "cause"));
		if (!strstr(text, said))
			fail_msg("\"%s\" is not in:\n%s", said, text);
	}
	json_object_put(r);
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(without_the_shim_every_function_says_so),
		T(a_shim_that_is_off_says_so),
		T(leaks_since_a_mark_are_told_with_their_birth),
		T(marks_and_threads_do_not_meet),
		T(failures_and_births_are_counted),
		T(rules_are_added_removed_and_counted_anew),
		T(rules_of_its_own_are_nobody_elses),
		T(the_latest_failure_has_its_cause),
		T(causes_are_those_of_the_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

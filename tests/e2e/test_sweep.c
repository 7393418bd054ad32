/* SPDX-License-Identifier: MIT */
/* test_sweep.c - fdwhy sweep finds what a test does wrong when one call of it fails. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "harness.h"

/* `fdwhy sweep --json -o <dir>/sweep args... -- targets/swept word`; *ret_status its exit status.
 */
static json_object *sweep(const struct work *w, int *ret_status, const char *word,
			  char *const args[])
{
	char *argv[24] = {ARG(built("fdwhy")), ARG("sweep"), ARG("--json"), ARG("-o"),
			  ARG(work_path(w, "sweep"))};
	struct proc p;
	size_t n = 5;

	for (size_t i = 0; args[i]; i++)
		argv[n++] = args[i];
	argv[n++] = ARG("--");
	argv[n++] = ARG(built("targets/swept"));
	argv[n] = ARG(word);
	*ret_status = run(w, argv, NULL, &p);
	if (*ret_status > 1)
		print_error("%s", file_text(p.err));
	return json_object_from_file(p.out);
}

#define SWEEP(w, status, word, ...) sweep(w, status, word, (char *const[]){__VA_ARGS__, NULL})

static json_object *at(json_object *list, size_t i)
{
	return json_object_array_get_idx(list, i);
}

/* Has a line of a printed stack this function? */
static bool lines_have(json_object *stack, const char *function)
{
	for (size_t i = 0; stack && i < json_object_array_length(stack); i++)
		if (strstr(json_object_get_string(at(stack, i)), function))
			return true;
	return false;
}

/* The case in which `call` failed in `function`, with the finding `kind` (NULL: with none). */
static json_object *find_case(json_object *r, const char *call, const char *function,
			      const char *kind)
{
	json_object *cases = field(r, "cases");

	for (size_t i = 0; i < json_object_array_length(cases); i++) {
		json_object *c = at(cases, i), *failed = at(field(c, "failed"), 0),
			    *finding = at(field(c, "findings"), 0);

		if (!strcmp(text_of(failed, "call"), call) &&
		    lines_have(field(failed, "stack"), function) &&
		    (kind ? finding && !strcmp(text_of(finding, "kind"), kind) : !finding))
			return c;
	}
	print_error("no %s in %s: %s\n", call, function, kind ? kind : "well");
	return NULL;
}

/* Orphans become this test's children. */
static bool nothing_runs(void)
{
	char path[64], *children;
	bool none;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	children = file_text(path);
	none = !*children;
	free(children);
	return none;
}

/* Where it stood when it hung or died; or why that could not be seen. */
static bool stands_in(json_object *c, const char *function)
{
	json_object *stack = c ? field(at(field(c, "findings"), 0), "stack") : NULL;

	return stack && (lines_have(stack, function) || lines_have(stack, "(no stack: "));
}

static void each_place_fails_once_and_what_breaks_is_told(void **state)
{
	json_object *r, *c;
	int status;

	r = SWEEP(*state, &status, NULL, "-t", "2", "-j", "3");
	assert_int_equal(status, 1);
	assert_non_null(find_case(r, "open", "with_default", NULL));
	assert_non_null(find_case(r, "openat", "gives_up", "exit"));
	c = find_case(r, "read", "leaks", "leak");
	assert_non_null(c);
	assert_true(lines_have(field(at(field(c, "findings"), 0), "stack"), "leaks"));
	c = find_case(r, "eventfd", "crashes", "crash");
	assert_true(stands_in(c, "crashes"));
	assert_non_null(strstr(text_of(at(field(c, "findings"), 0), "text"), " by SIGSEGV"));
	assert_true(stands_in(find_case(r, "send", "hangs", "hang"), "hangs"));
	assert_non_null(find_case(r, "dup", "closes_twice", "misuse"));
	assert_int_equal(number_of(r, "done"), number_of(r, "runs"));
	assert_int_equal(number_of(r, "places"), number_of(r, "runs"));
	assert_int_equal(number_of(r, "totals.leak"), 1);
	assert_int_equal(number_of(r, "totals.crash"), 1);
	assert_int_equal(number_of(r, "totals.hang"), 1);
	assert_int_equal(number_of(r, "totals.misuse"), 1);
	json_object_put(r);
	assert_true(nothing_runs()); /* nor does what hung */
}

static void a_program_that_copes_has_no_findings(void **state)
{
	int status;
	json_object *r = SWEEP(*state, &status, "good", "--errors=all");

	assert_int_equal(status, 0);
	assert_true(number_of(r, "runs") > 10); /* open(2) has that many errors */
	assert_int_equal(number_of(r, "places"), 1);
	json_object_put(r);
}

static void conditions_calls_and_errors_choose(void **state)
{
	int status;
	json_object *r = SWEEP(*state, &status, NULL, "--where=function=leaks", "--calls=%open",
			       "--errors=ENOSPC,EMFILE", "--fail-on=crash");

	assert_int_equal(status, 0);
	assert_int_equal(number_of(r, "places"), 1);
	assert_int_equal(number_of(r, "runs"), 2);
	json_object_put(r);
}

static void pairs_find_what_no_single_failure_does(void **state)
{
	const struct work *w = *state;
	int status;
	json_object *r = SWEEP(w, &status, "pair", "--calls=%open"), *c;

	assert_int_equal(status, 0);
	assert_int_equal(number_of(r, "runs"), 2);
	json_object_put(r);
	r = SWEEP(w, &status, "pair", "--calls=%open", "--depth=2");
	assert_int_equal(status, 1);
	assert_int_equal(number_of(r, "runs"), 3);
	c = at(field(r, "cases"), 2);
	assert_int_equal(json_object_array_length(field(c, "failed")), 2);
	assert_string_equal(text_of(at(field(c, "findings"), 0), "kind"), "crash");
	json_object_put(r);
}

/* As a machine that stops leaves it: a line cut in the middle. */
static void a_stopped_sweep_goes_on(void **state)
{
	const struct work *w = *state;
	char path[300], *text, *cut;
	json_object *r;
	int status;

	r = SWEEP(w, &status, NULL, "-t", "2", "-j", "2");
	json_object_put(r);
	snprintf(path, sizeof(path), "%s/results.jsonl", work_path(w, "sweep"));
	text = file_text(path);
	cut = strchr(strchr(strchr(text, '\n') + 1, '\n') + 1, '\n');
	cut[-20] = '\0';
	file_write(path, "%s", text);
	free(text);
	r = SWEEP(w, &status, NULL, "-t", "2", "-j", "2");
	assert_int_equal(status, 1);
	assert_int_equal(number_of(r, "resumed"), 2);
	assert_int_equal(number_of(r, "done"), number_of(r, "runs"));
	assert_int_equal(number_of(r, "totals.leak"), 1);
	assert_int_equal(number_of(r, "totals.hang"), 1);
	json_object_put(r);
}

static void wrong_options_are_said_before_anything_runs(void **state)
{
	const struct work *w = *state;
	char touch[300];
	char *command[] = {ARG(built("fdwhy")), ARG("sweep"), NULL, ARG("sh"),
			   ARG("-c"),           touch,        NULL};
	static const char *const wrong[] = {"--calls=%opn",    "--errors=EMFIEL", "--where=exee=x",
					    "--depth=3",       "--jobs=0",        "--fail-on=crsh",
					    "--timeout=never", "--nonsense"};

	snprintf(touch, sizeof(touch), "touch %s/ran", w->dir);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		command[2] = ARG(wrong[i]);
		assert_int_equal(run(w, command, NULL, NULL), 2);
		assert_false(file_exists(ARG(work_path(w, "ran"))));
	}
}

static void another_test_in_the_same_directory_is_refused(void **state)
{
	int status;

	json_object_put(SWEEP(*state, &status, "good", "--calls=%open"));
	assert_int_equal(status, 0);
	json_object_put(SWEEP(*state, &status, "pair", "--calls=%open"));
	assert_int_equal(status, 2);
}

/* The run that hangs has begun. */
static bool send_fails(void *runs)
{
	DIR *d = opendir(runs);
	bool found = false;

	for (struct dirent *e; d && (e = readdir(d));)
		found |= !strncmp(e->d_name, "send:", 5);
	if (d)
		closedir(d);
	return found;
}

static void an_interrupted_one_leaves_nothing_running(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("fdwhy")),
			ARG("sweep"),
			ARG("-t"),
			ARG("3000"),
			ARG("-o"),
			ARG(work_path(w, "sweep")),
			ARG("--where=function=hangs"),
			ARG("--calls=%send"),
			ARG(built("targets/swept")),
			NULL};
	struct proc p = proc_start(w, argv, NULL);

	assert_true(wait_until(send_fails, ARG(work_path(w, "sweep/runs")), 30));
	kill(p.pid, SIGINT);
	assert_int_equal(proc_wait(&p), 130 << 8);
	assert_true(nothing_runs());
}

static const char redis_start[] =
	"#!/bin/sh\n"
	"d=%1$s/$FDWHY_SWEEP_RUN; mkdir -p $d\n"
	"redis-server --port 0 --unixsocket $d/s --dir $d --save '' --appendonly yes >$d/log 2>&1 "
	"&\n"
	"pid=$!; i=0\n"
	"while [ $i -lt 500 ] && kill -0 $pid 2>/dev/null; do\n"
	"	[ -S $d/s ] && [ \"$(redis-cli -s $d/s ping 2>/dev/null)\" = PONG ] && break\n"
	"	i=$((i + 1)); sleep 0.01\n"
	"done\n"
	"redis-cli -s $d/s set a b >$d/out 2>&1; grep -q OK $d/out; answered=$?\n"
	"redis-cli -s $d/s shutdown >/dev/null 2>&1 || kill $pid 2>/dev/null\n"
	"wait $pid; ended=$?\n"
	"[ $answered = 0 ] && [ $ended = 0 ]\n";

/* Each call of a redis from its start to its end: it copes with all of them. */
static void the_start_of_redis_is_swept(void **state)
{
	const struct work *w = *state;
	char script[300], *server = realpath("/usr/bin/redis-server", NULL), where[300];
	char *argv[] = {ARG(built("fdwhy")),
			ARG("sweep"),
			ARG("--json"),
			ARG("-j2"),
			where,
			ARG("--timeout=60"),
			ARG("-o"),
			ARG(work_path(w, "sweep")),
			ARG("sh"),
			script,
			NULL};
	struct proc p;
	json_object *r;

	SKIP_UNLESS(server && installed("redis-cli"), "redis is not installed");
	snprintf(where, sizeof(where), "--where=exe=%s", server);
	snprintf(script, sizeof(script), "%s", work_path(w, "start.sh"));
	file_write(script, redis_start, w->dir);
	if (run(w, argv, NULL, &p) > 1)
		print_error("%s", file_text(p.err));
	r = json_object_from_file(p.out);
	assert_non_null(r);
	assert_true(number_of(r, "places") >= 10);
	assert_int_equal(number_of(r, "done"), number_of(r, "runs"));
	assert_int_equal(number_of(r, "totals.crash"), 0);
	assert_int_equal(number_of(r, "totals.hang"), 0);
	assert_int_equal(number_of(r, "totals.misuse"), 0);
	assert_true(number_of(r, "totals.exit") > 0); /* it says so when it cannot start */
	json_object_put(r);
	free(server);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(each_place_fails_once_and_what_breaks_is_told),
		T(a_program_that_copes_has_no_findings),
		T(conditions_calls_and_errors_choose),
		T(pairs_find_what_no_single_failure_does),
		T(a_stopped_sweep_goes_on),
		T(wrong_options_are_said_before_anything_runs),
		T(another_test_in_the_same_directory_is_refused),
		T(the_start_of_redis_is_swept),
		T(an_interrupted_one_leaves_nothing_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

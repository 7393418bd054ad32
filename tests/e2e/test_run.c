/* SPDX-License-Identifier: MIT */
/* test_run.c - fdwhy run, check, list and bad input, as a user meets them. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness.h"
#include "record.h"
#include "session.h"

static int fdwhy(const struct work *w, struct proc *p, char *const args[])
{
	char *argv[32] = {ARG(built("fdwhy"))};

	for (size_t i = 0; args[i] && i < 30; i++)
		argv[1 + i] = args[i];
	return run(w, argv, NULL, p);
}

#define FDWHY(w, p, ...) fdwhy(w, p, (char *const[]){__VA_ARGS__, NULL})

static void expect_error(const struct proc *p, const char *words)
{
	char *text = file_text(p->err), *end = strchr(text, '\n');

	if (strncmp(text, "fdwhy: ", 7) || !strstr(text, words))
		print_error("%s", text);
	assert_int_equal(strncmp(text, "fdwhy: ", 7), 0);
	assert_non_null(strstr(text, words));
	assert_true(end && end[1] == '\0'); /* one line */
	free(text);
}

static void first_record(const char *path, void *arg)
{
	snprintf(arg, 600, "%s", path);
}

static void the_exit_status_is_the_commands(void **state)
{
	const struct work *w = *state;

	assert_int_equal(FDWHY(w, NULL, "run", "-q", "sh", "-c", "exit 42"), 42);
	assert_int_equal(FDWHY(w, NULL, "run", "-q", "sh", "-c", "kill -9 $$"), 128 + 9);
	assert_int_equal(FDWHY(w, NULL, "run", "-q", "sh", "-c", "kill -15 $$"), 128 + 15);
}

static void a_missing_program_is_127_and_an_unrunnable_one_126(void **state)
{
	const struct work *w = *state;
	struct proc p;

	assert_int_equal(FDWHY(w, &p, "run", "/no/such/program"), 127);
	expect_error(&p, "/no/such/program");
	close(open(work_path(w, "plain"), O_CREAT | O_WRONLY, 0644));
	assert_int_equal(FDWHY(w, &p, "run", ARG(work_path(w, "plain"))), 126);
	expect_error(&p, "plain");
}

static void wrong_options_are_125_before_anything_starts(void **state)
{
	const struct work *w = *state;
	struct proc p;
	char touch[300];

	snprintf(touch, sizeof(touch), "touch %s/ran", w->dir);
	assert_int_equal(FDWHY(w, &p, "run", "--wait=never", "sh", "-c", touch), 125);
	expect_error(&p, "expected tree or child");
	assert_int_equal(FDWHY(w, &p, "run", "--fail-on=leek", "sh", "-c", touch), 125);
	expect_error(&p, "leek");
	assert_int_equal(FDWHY(w, &p, "run", "--stacks=999", "sh", "-c", touch), 125);
	expect_error(&p, "128");
	assert_int_equal(FDWHY(w, &p, "run"), 125);
	expect_error(&p, "no command");
	assert_int_equal(FDWHY(w, &p, "run", "-o", "/proc/none", "sh", "-c", touch), 125);
	expect_error(&p, "-o DIR");
	assert_false(file_exists(ARG(work_path(w, "ran"))));
}

static void a_session_directory_that_is_not_empty_is_refused(void **state)
{
	const struct work *w = *state;
	struct proc p;

	mkdir(work_path(w, "full"), 0700);
	close(open(work_path(w, "full/x"), O_CREAT | O_WRONLY, 0644));
	assert_int_equal(FDWHY(w, &p, "run", "-o", ARG(work_path(w, "full")), "true"), 125);
	expect_error(&p, "not empty");
}

static void reports_name_what_is_wrong(void **state)
{
	const struct work *w = *state;
	struct proc p;

	assert_int_equal(FDWHY(w, &p, "report", "no-such-session"), 2);
	expect_error(&p, "no-such-session");
	mkdir(work_path(w, "empty"), 0700);
	assert_int_equal(FDWHY(w, &p, "report", ARG(work_path(w, "empty"))), 2);
	expect_error(&p, "no records");
	assert_int_equal(FDWHY(w, &p, "report", "--call=conect"), 2);
	expect_error(&p, "did you mean connect?");
	assert_int_equal(FDWHY(w, &p, "report", "--pid=x"), 2);
	expect_error(&p, "--pid=x");
	assert_int_equal(FDWHY(w, &p, "reprot"), 2);
	expect_error(&p, "did you mean report?");
}

static void pitfall_11_an_existing_preload_stays_first(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("fdwhy")), "run", "-q", "sh", "-c", "echo $LD_PRELOAD", NULL};
	char *env[] = {"LD_PRELOAD=libm.so.6", NULL};
	struct proc p;
	char *text;

	assert_int_equal(run(w, argv, env, &p), 0);
	text = file_text(p.out);
	assert_int_equal(strncmp(text, "libm.so.6:/", 11), 0);
	assert_non_null(strstr(text, "/libfdwhy.so"));
	free(text);
}

static void a_daemon_that_forks_away_is_waited_for(void **state)
{
	const struct work *w = *state;
	char script[800];
	struct proc p;

	snprintf(script, sizeof(script),
		 "(setsid sh -c 'read x < %s/fifo; touch %s/done' >/dev/null 2>&1 &)", w->dir,
		 w->dir);
	assert_int_equal(mkfifo(work_path(w, "fifo"), 0600), 0);
	p = proc_start(w,
		       (char *const[]){ARG(built("fdwhy")), "run", "-q", "sh", "-c", script, NULL},
		       NULL);
	close(open(work_path(w, "fifo"), O_WRONLY)); /* meets the daemon's open */
	assert_int_equal(proc_wait(&p), 0);
	assert_true(file_exists(ARG(work_path(w, "done"))));
}

static void signals_reach_the_command(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("fdwhy")),
			"run",
			"-q",
			"sh",
			"-c",
			"trap 'exit 33' TERM; echo ready; while :; do sleep 0.05; done",
			NULL};
	struct proc p = proc_start(w, argv, NULL);

	assert_true(proc_says(&p, "ready"));
	assert_int_equal(proc_stop(&p, SIGTERM) >> 8, 33);
}

/* An EMFILE is no EAGAIN, but it must not be passed over in silence. */
static void the_summary_tells_of_the_limit_of_open_files(void **state)
{
	const struct work *w = *state;
	struct proc p;
	char *text;

	assert_int_equal(FDWHY(w, &p, "run", ARG(built("targets/lifetime")), "limit"), 0);
	text = file_text(p.err);
	assert_non_null(strstr(text, "misuse, at the limit of open files\n"));
	free(text);
	assert_int_equal(FDWHY(w, &p, "run", ARG(built("targets/lifetime")), "fine"), 0);
	text = file_text(p.err);
	assert_null(strstr(text, "limit of open files"));
	free(text);
}

static void fail_on_leak_gives_the_chosen_status(void **state)
{
	const struct work *w = *state;
	char *target = ARG(built("targets/lifetime"));

	assert_int_equal(
		FDWHY(w, NULL, "run", "-q", "--fail-on=leak", "--error-exitcode=9", target, "leak"),
		9);
	assert_int_equal(FDWHY(w, NULL, "run", "-q", "--fail-on=leak", target, "fine"), 0);
	assert_int_equal(FDWHY(w, NULL, "run", "-q", "--fail-on=misuse", target, "double_close"),
			 1);
	assert_int_equal(FDWHY(w, NULL, "run", "-q", "--fail-on=eagain",
			       ARG(built("targets/failing")), "pipe_full"),
			 1);
}

static int fail_on(const struct work *w, const char *word, const char *target, const char *way)
{
	char option[64];

	snprintf(option, sizeof(option), "--fail-on=%s", word);
	return FDWHY(w, NULL, "run", "-q", option, "--error-exitcode=9", ARG(built(target)),
		     ARG(way));
}

/* Each word with a target that makes it true, and one that makes everything but it true. */
static void each_word_of_fail_on_finds_what_it_names(void **state)
{
	static const struct {
		const char *word, *target, *way, *other, *other_way;
	} rows[] = {
		{"leak", "targets/lifetime", "leak", "targets/lifetime", "one_of_each"},
		{"at-exit", "targets/lifetime", "one_of_each", "targets/lifetime", "leak"},
		{"failure", "targets/failing", "pipe_full", "targets/failing", "recv_nonblock"},
		{"eagain", "targets/failing", "pipe_full", "targets/failing", "recv_nonblock"},
		{"suspicious", "targets/failing", "spinning", "targets/failing", "pipe_full"},
		{"benign", "targets/failing", "recv_nonblock", "targets/failing", "pipe_full"},
		{"limit", "targets/lifetime", "limit", "targets/lifetime", "leak"},
		{"misuse", "targets/lifetime", "use_after_close", "targets/lifetime", "leak"},
		{"double-close", "targets/lifetime", "double_close", "targets/lifetime",
		 "use_after_close"},
		{"use-after-close", "targets/lifetime", "use_after_close", "targets/lifetime",
		 "double_close"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (fail_on(*state, rows[i].word, rows[i].target, rows[i].way) != 9)
			fail_msg("%s is not found in %s", rows[i].word, rows[i].way);
		if (fail_on(*state, rows[i].word, rows[i].other, rows[i].other_way) != 0)
			fail_msg("%s is found in %s", rows[i].word, rows[i].other_way);
	}
}

static void what_was_not_recorded_does_not_pass(void **state)
{
	const struct work *w = *state;
	struct proc p;

	assert_int_equal(FDWHY(w, &p, "run", "-q", "--fail-on=coverage", "--error-exitcode=9", "sh",
			       "-c", "LD_PRELOAD= /sbin/ldconfig -p >/dev/null; true"),
			 9);
	expect_error(&p, "--fail-on: places found: 1 coverage");
	assert_int_equal(FDWHY(w, &p, "run", "-q", "--fail-on=leak", "/sbin/ldconfig", "-p"), 125);
	expect_error(&p, "no process loaded the shim");
	assert_int_equal(FDWHY(w, &p, "run", "-q", "/sbin/ldconfig", "-p"), 0);
}

static void input_and_output_pass_through(void **state)
{
	const struct work *w = *state;
	struct proc p =
		proc_start(w, (char *const[]){ARG(built("fdwhy")), "run", "-q", "cat", NULL}, NULL);
	char *text;

	assert_int_equal(write(p.in, "hello\n", 6), 6);
	assert_int_equal(proc_wait(&p), 0);
	text = file_text(p.out);
	assert_string_equal(text, "hello\n");
	free(text);
}

static void check_tells_what_cannot_be_followed(void **state)
{
	const struct work *w = *state;
	struct proc p;
	char *text;

	assert_int_equal(FDWHY(w, &p, "check", "sh"), 0);
	assert_int_equal(FDWHY(w, &p, "check", "/sbin/ldconfig"), 1);
	text = file_text(p.out);
	assert_non_null(strstr(text, "statically linked"));
	free(text);
	assert_int_equal(FDWHY(w, &p, "check", "/no/such"), 2);
	expect_error(&p, "/no/such");
	assert_int_equal(FDWHY(w, &p, "check", "/dev/null"), 2);
	expect_error(&p, "/dev/null");
}

static void pitfall_15_a_process_that_did_not_load_the_shim_is_named(void **state)
{
	const struct work *w = *state;
	char script[300];
	struct proc p;
	json_object *r, *list;

	snprintf(script, sizeof(script), "LD_PRELOAD= /sbin/ldconfig -p >/dev/null; true");
	assert_int_equal(
		FDWHY(w, &p, "run", "-q", "-o", ARG(work_path(w, "s")), "sh", "-c", script), 0);
	r = report_of(w, work_path(w, "s"));
	list = field(r, "coverage");
	assert_true(json_object_array_length(list) > 0);
	assert_non_null(strstr(json_object_to_json_string(list), "ldconfig: statically linked"));
	json_object_put(r);
}

static void a_damaged_record_is_named_and_the_rest_is_shown(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/lifetime")), "leak", NULL};
	json_object *r;
	FILE *f;

	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	f = fopen(work_path(w, "s/7777777.rec"), "w");
	fputs("this is no record, whatever its name says", f);
	fclose(f);
	close(open(work_path(w, "s/7777778.rec"), O_CREAT | O_WRONLY, 0600));
	r = report_of(w, work_path(w, "s"));
	assert_int_equal(number_of(r, "totals.leaks"), 1);
	assert_non_null(strstr(json_object_to_json_string(field(r, "coverage")), "7777777.rec"));
	json_object_put(r);
}

static void a_session_of_another_version_is_named(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("targets/lifetime")), "leak", NULL};
	uint32_t version = RECORD_VERSION + 1;
	char name[600] = "";
	struct proc p;
	int fd;

	assert_int_equal(fdwhy_run(w, work_path(w, "s"), argv), 0);
	session_records(work_path(w, "s"), first_record, name);
	fd = open(name, O_WRONLY);
	assert_int_equal(
		pwrite(fd, &version, sizeof(version), offsetof(struct record_header, version)),
		sizeof(version));
	close(fd);
	assert_int_equal(FDWHY(w, &p, "report", ARG(work_path(w, "s"))), 2);
	expect_error(&p, "another version");
}

static void the_tool_is_clean_under_valgrind(void **state)
{
	const struct work *w = *state;
	char *record[] = {ARG(built("targets/lifetime")), "double_close", NULL};
	char *argv[] = {"valgrind",
			"-q",
			"--error-exitcode=99",
			"--leak-check=full",
			"--errors-for-leak-kinds=definite",
			ARG(built("fdwhy")),
			"report",
			"--all",
			ARG(work_path(w, "s")),
			NULL};

	SKIP_UNLESS(installed("valgrind"), "valgrind is not installed");
	SKIP_UNLESS(!getenv("FDWHY_SANITIZED"), "valgrind cannot run what a sanitizer instruments");
	assert_int_equal(fdwhy_run(w, work_path(w, "s"), record), 0);
	assert_int_equal(run(w, argv, NULL, NULL), 0);
	argv[7] = "--json";
	assert_int_equal(run(w, argv, NULL, NULL), 0);
}

static void help_and_version_are_there(void **state)
{
	const struct work *w = *state;
	static char *const commands[] = {"run", "report", "list", "check"};

	assert_int_equal(FDWHY(w, NULL, "--help"), 0);
	assert_int_equal(FDWHY(w, NULL, "--version"), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(FDWHY(w, NULL, commands[i], "--help"), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(the_exit_status_is_the_commands),
		T(a_missing_program_is_127_and_an_unrunnable_one_126),
		T(wrong_options_are_125_before_anything_starts),
		T(a_session_directory_that_is_not_empty_is_refused),
		T(reports_name_what_is_wrong),
		T(pitfall_11_an_existing_preload_stays_first),
		T(a_daemon_that_forks_away_is_waited_for),
		T(signals_reach_the_command),
		T(the_summary_tells_of_the_limit_of_open_files),
		T(fail_on_leak_gives_the_chosen_status),
		T(each_word_of_fail_on_finds_what_it_names),
		T(what_was_not_recorded_does_not_pass),
		T(input_and_output_pass_through),
		T(check_tells_what_cannot_be_followed),
		T(pitfall_15_a_process_that_did_not_load_the_shim_is_named),
		T(a_damaged_record_is_named_and_the_rest_is_shown),
		T(a_session_of_another_version_is_named),
		T(the_tool_is_clean_under_valgrind),
		T(help_and_version_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

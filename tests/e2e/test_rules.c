/* SPDX-License-Identifier: MIT */
/*
 * test_rules.c - rules as a target meets them: which calls they act on, what those calls then
 * give, and what the session says of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "harness.h"

#define ARGS_MAX 24

/* `fdwhy run -q <args...>`: its standard output, allocated; the words for the target begin after
 * "--", "ruled" being the target of that name. */
static char *output_of(const struct work *w, char *const args[])
{
	char *argv[ARGS_MAX + 6] = {ARG(built("fdwhy")), ARG("run"), ARG("-q")};
	struct proc p;
	size_t n = 3;
	int status;

	for (size_t i = 0; args[i] && i < ARGS_MAX; i++)
		argv[n++] = strcmp(args[i], "ruled") ? args[i] : ARG(built("targets/ruled"));
	status = run(w, argv, NULL, &p);
	if (status)
		print_error("status %d: %s", status, file_text(p.err));
	return file_text(p.out);
}

static void expect(const struct work *w, const char *output, char *const args[])
{
	char *text = output_of(w, args);

	if (strcmp(text, output))
		print_error("with %s\n", args[0]);
	assert_string_equal(text, output);
	free(text);
}

#define OUTPUT(w, ...) output_of(w, (char *const[]){__VA_ARGS__, NULL})
#define EXPECT(w, output, ...) expect(w, output, (char *const[]){__VA_ARGS__, NULL})

/* The numbers of the failed calls of "N ok" lines, joined: "2 5". */
static const char *failed_in(const char *text, const char *head)
{
	static char ret[256];
	size_t n = 0, length = strlen(head);

	ret[0] = '\0';
	for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
		unsigned number;
		char what[32];

		if (strncmp(at, head, length) || sscanf(at + length, "%u %31s", &number, what) != 2)
			continue;
		if (strcmp(what, "ok"))
			n += (size_t)snprintf(ret + n, sizeof(ret) - n, n ? " %u" : "%u", number);
	}
	return ret;
}

static const struct {
	const char *rule, *failed;
} choices[] = {
	{"read:error=EIO:kind=pipe", "1 2 3 4 5 6 7 8 9"},
	{"read:error=EIO:kind=pipe:when=4", "4"},
	{"read:error=EIO:kind=pipe:when=3..5", "3 4 5"},
	{"read:error=EIO:kind=pipe:when=7+", "7 8 9"},
	{"read:error=EIO:kind=pipe:when=2+3", "2 5 8"},
	{"read:error=EIO:kind=pipe:when=1..6+2", "1 3 5"},
	{"read:error=EIO:kind=pipe:when=20", ""},
	{"read:error=EIO:kind=pipe:when=2", "2"},
	{"%recv:error=EIO:kind=pipe:when=2", "2"},
	{"/^re(ad|cv)$/:error=EIO:kind=pipe:when=2", "2"},
	{"read:error=EIO:kind=tcp", ""},
	{"write:error=EIO:kind=tcp", ""},
	{"read:error=EIO:kind=pipe:comm=ruled:when=2", "2"},
	{"read:error=EIO:kind=pipe:comm=other", ""},
	{"read:error=EIO:kind=pipe:exe=*/ruled:when=3", "3"},
	{"read:error=EIO:kind=pipe:exe=/bin/*", ""},
	{"read:error=EIO:kind=pipe:function=times:when=3", "3"},
	{"read:error=EIO:kind=pipe:function=main:when=3", "3"},
	{"read:error=EIO:kind=pipe:function=do_send", ""},
	{"read:error=EIO:kind=pipe:caller=times:when=3", "3"},
	{"read:error=EIO:kind=pipe:caller=main", ""},
	{"read:error=EIO:kind=pipe:module=ruled:when=3", "3"},
	{"read:error=EIO:kind=pipe:module=libother*", ""},
	{"read:error=EIO:kind=pipe:after=1h", ""},
	{"read:error=EIO:kind=pipe:until=1h:when=3", "3"},
	{"read:error=EIO:kind=pipe:pid=1", ""},
};

static void when_says_which_calls(void **state)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		char option[160], *text;

		snprintf(option, sizeof(option), "--inject=%s", choices[i].rule);
		text = OUTPUT(*state, option, "--", "ruled", "times", "9");
		if (strcmp(failed_in(text, ""), choices[i].failed))
			print_error("%s\n", option);
		assert_string_equal(failed_in(text, ""), choices[i].failed);
		free(text);
	}
}

/* The failures of thread or process k: its lines begin with "t2 " or "p2 ". */
static void expect_failed(const char *text, char who, int k, const char *failed)
{
	char head[8];

	snprintf(head, sizeof(head), "%c%d ", who == 't' ? 't' : 'p', k);
	if (strcmp(failed_in(text, head), failed))
		print_error("%s:\n%s", head, text);
	assert_string_equal(failed_in(text, head), failed);
}

static void counts_are_of_the_process_the_tree_the_thread_or_the_site(void **state)
{
	static const struct {
		const char *per, *target;
		const char *failed[4];
	} rows[] = {
		{"process", "threads", {"2", "", "", ""}},
		{"thread", "threads", {"2", "2", "2", "2"}},
		{"site", "threads", {"2", "", "", ""}},
		{"process", "forks", {"2", "2", "2", "2"}},
		{"tree", "forks", {"2", "", "", ""}},
		{"site", "again", {"2", "2", "", ""}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char option[96], *text;

		snprintf(option, sizeof(option), "--inject=read:error=EIO:kind=pipe:when=2:per=%s",
			 rows[i].per);
		text = OUTPUT(*state, option, "--", "ruled", ARG(rows[i].target), "3");
		for (int k = 0; k < 4; k++)
			expect_failed(text, *rows[i].target, k, rows[i].failed[k]);
		free(text);
	}
}

static void a_seed_repeats_a_schedule_and_a_replay_repeats_a_run(void **state)
{
	const struct work *w = *state;
	char rule[] = "--inject=read:error=EIO:kind=pipe:p=30%", session[300], replay[320];
	char *one = OUTPUT(w, rule, "--seed=7", "--", "ruled", "times", "64");
	char *two = OUTPUT(w, rule, "--seed=8", "--", "ruled", "times", "64"), *again;

	snprintf(session, sizeof(session), "--output=%s", work_path(w, "first"));
	snprintf(replay, sizeof(replay), "--replay=%s", work_path(w, "first"));
	again = OUTPUT(w, rule, "--seed=7", session, "--", "ruled", "times", "64");
	assert_true(strlen(failed_in(one, "")) > 0);
	assert_string_not_equal(one, two);
	assert_string_equal(one, again);
	EXPECT(w, one, replay, "--", "ruled", "times", "64");
	free(one);
	free(two);
	free(again);
}

static void threads_repeat_their_schedule_where_threads_count(void **state)
{
	char rule[] = "--inject=read:error=EIO:kind=pipe:p=50%:per=thread";
	char *one = OUTPUT(*state, rule, "--", "ruled", "threads", "16");

	EXPECT(*state, one, rule, "--", "ruled", "threads", "16");
	free(one);
}

static int listener(const struct work *w, const char *name, char *ret, size_t size)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(ret, size, "%s", work_path(w, name));
	snprintf(a.sun_path, sizeof(a.sun_path), "%.*s", (int)sizeof(a.sun_path) - 1, ret);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* An errno alone would leave behind what a real failure does not. */
static void an_injected_failure_leaves_what_a_real_one_leaves(void **state)
{
	const struct work *w = *state;
	char path[300];
	int l = listener(w, "l.sock", path, sizeof(path));

	EXPECT(w, "1 ok\nconnected\n", "--", "ruled", "connect", path);
	EXPECT(w, "1 EAGAIN\nunconnected\n", "--inject=connect:error=EAGAIN:kind=unix-stream", "--",
	       "ruled", "connect", path);
	EXPECT(w, "1 EMFILE\n2 EMFILE\n3 ok\n", "--inject=accept:error=EMFILE:when=1..2", "--",
	       "ruled", "accept");
	EXPECT(w, "1 EINTR\ngone\n", "--inject=close:error=EINTR:path=/dev/null", "--", "ruled",
	       "close");
	EXPECT(w, "1 EIO\ngone\n", "--inject=close:error=EIO:path=/dev/null", "--", "ruled",
	       "close");
	EXPECT(w, "1 EBADF\nopen\n", "--inject=close:error=EBADF:path=/dev/null", "--", "ruled",
	       "close");
	close(l);
}

static void a_value_is_returned_without_the_call(void **state)
{
	const struct work *w = *state;
	char path[300];
	int l = listener(w, "l.sock", path, sizeof(path));

	EXPECT(w, "1 ok\nunconnected\n", "--inject=connect:retval=0", "--", "ruled", "connect",
	       path);
	close(l);
}

static void addresses_and_paths_choose(void **state)
{
	const struct work *w = *state;
	char path[300], here[340], other[340];
	int l = listener(w, "l.sock", path, sizeof(path));

	snprintf(here, sizeof(here), "--inject=connect:error=ECONNREFUSED:path=%s/*", w->dir);
	snprintf(other, sizeof(other), "--inject=connect:error=ECONNREFUSED:path=%s/x*", w->dir);
	EXPECT(w, "1 ECONNREFUSED\nunconnected\n", here, "--", "ruled", "connect", path);
	EXPECT(w, "1 ok\nconnected\n", other, "--", "ruled", "connect", path);
	EXPECT(w, "1 ok\nconnected\n", "--inject=connect:error=EIO:addr=127.0.0.0/8", "--", "ruled",
	       "connect", path);
	close(l);
}

static void shared_memory_is_chosen_by_the_path_of_its_file(void **state)
{
	const struct work *w = *state;
	char *here = ARG("--inject=shm_open:error=EACCES:path=/dev/shm/fdwhy-none");

	EXPECT(w, "1 EACCES\n", here, "--", "ruled", "shm", "/fdwhy-none");
	EXPECT(w, "1 EACCES\n", here, "--", "ruled", "shm", "fdwhy-none");
	EXPECT(w, "1 ENOENT\n", here, "--", "ruled", "shm", "/fdwhy-none-else");
}

static void short_transfers_move_that_much_and_not_more(void **state)
{
	EXPECT(*state,
	       "send 7\nwrite 7\nwritev 7\nsendmsg 7\nsendto 7\nrecv 28\nsame 1\nread 7\n"
	       "recvmsg -1\niov 1\n",
	       "--inject=%send:short=7:function=do_send",
	       "--inject=recvmsg:error=EIO", /* nothing is left: it would wait */
	       "--", "ruled", "send", "1000");
	EXPECT(*state,
	       "send 500\nwrite 1000\nwritev 1000\nsendmsg 1000\nsendto 1000\nrecv 1000\n"
	       "same 1\nread 1000\nrecvmsg 1000\niov 1\n",
	       "--inject=send:short=half:function=do_send", "--", "ruled", "send", "1000");
	EXPECT(*state,
	       "send 1000\nwrite 1000\nwritev 1000\nsendmsg 1000\nsendto 1000\nrecv 1\n"
	       "same 0\nread 1\nrecvmsg 1\niov 1\n",
	       "--inject=%recv:short=1:function=do_send", "--", "ruled", "send", "1000");
}

static void a_signal_comes_at_the_call_it_was_ruled_for(void **state)
{
	char *argv[] = {ARG(built("fdwhy")),
			ARG("run"),
			ARG("-q"),
			ARG("--inject=read:signal=SIGKILL:kind=pipe:when=3"),
			ARG(built("targets/ruled")),
			ARG("times"),
			ARG("9"),
			NULL};
	struct proc p;

	assert_int_equal(run(*state, argv, NULL, &p), 128 + 9);
}

static json_object *rule_of(json_object *report, size_t i)
{
	return json_object_array_get_idx(field(report, "rules"), i);
}

static void delays_come_before_and_after_and_are_counted(void **state)
{
	const struct work *w = *state;
	char session[300];
	json_object *report;

	snprintf(session, sizeof(session), "-o%s", work_path(w, "s"));
	EXPECT(w, "1 ok\n2 ok\n3 ok\n", session,
	       "--inject=read:delay_enter=2ms:delay_exit=1ms:kind=pipe:when=2..3", "--", "ruled",
	       "times", "3");
	report = report_of(w, work_path(w, "s"));
	assert_int_equal(number_of(rule_of(report, 0), "acted"), 2);
	assert_int_equal(number_of(rule_of(report, 0), "matched"), 3);
	assert_int_equal(number_of(rule_of(report, 0), "waited_ns"), 2 * 3000000);
	json_object_put(report);
}

static void every_injection_is_in_the_report(void **state)
{
	const struct work *w = *state;
	char session[300];
	json_object *report, *action;

	snprintf(session, sizeof(session), "-o%s", work_path(w, "s"));
	free(OUTPUT(w, session, "--inject=read:error=ETIMEDOUT:kind=pipe:when=2+2",
		    "--inject=read:error=EAGAIN:kind=pipe:when=1", "--", "ruled", "times", "8"));
	report = report_of(w, work_path(w, "s"));
	assert_int_equal(number_of(rule_of(report, 0), "acted"), 4);
	assert_int_equal(number_of(rule_of(report, 1), "acted"), 1);
	action = find_site(report, "rule_actions", "read", "times");
	assert_non_null(action);
	assert_int_equal(json_object_array_length(field(report, "rule_actions")), 2);
	json_object_put(report);
}

static bool has_line(struct proc *p, const char *line)
{
	char *text = file_text(p->out);
	bool has = strstr(text, line) != NULL;

	free(text);
	return has;
}

static int ctl(const struct work *w, char *const words[])
{
	char *argv[10] = {ARG(built("fdwhy")), ARG("ctl"), ARG(work_path(w, "s"))};
	struct proc p;
	int status;

	for (size_t i = 0; words[i] && i < 6; i++)
		argv[3 + i] = words[i];
	status = run(w, argv, NULL, &p);
	if (status)
		print_error("%s", file_text(p.err));
	return status;
}

#define CTL(w, ...) assert_int_equal(ctl(w, (char *const[]){__VA_ARGS__, NULL}), 0)

static void ask_for(struct proc *p, const char *answer)
{
	assert_int_equal(write(p->in, "\n", 1), 1);
	assert_true(proc_says(p, answer));
}

/* The very next call after `ctl` has returned obeys. */
static void rules_change_while_the_target_runs(void **state)
{
	const struct work *w = *state;
	char session[300];
	char *argv[] = {ARG(built("fdwhy")),         ARG("run"),  ARG("-q"), session,
			ARG(built("targets/ruled")), ARG("wait"), NULL};
	struct proc p;

	snprintf(session, sizeof(session), "-o%s", work_path(w, "s"));
	p = proc_start(w, argv, NULL);
	assert_true(proc_says(&p, "ready"));
	ask_for(&p, "1 ok");
	CTL(w, "add", "inject", "read:error=EIO:kind=pipe");
	ask_for(&p, "2 EIO");
	CTL(w, "add", "inject", "read:error=EPERM:kind=tcp");
	CTL(w, "remove", "1");
	ask_for(&p, "3 ok");
	CTL(w, "add", "inject", "read:error=EINTR:kind=pipe");
	ask_for(&p, "4 EINTR");
	CTL(w, "remove", "all");
	ask_for(&p, "5 ok");
	proc_close_input(&p);
	assert_int_equal(proc_wait(&p), 0);
	assert_true(has_line(&p, "5 ok\n"));
}

static void a_wrong_rule_is_refused_before_the_target_starts(void **state)
{
	const struct work *w = *state;
	char touch[300], file[300], *text;
	struct proc p;
	char *argv[] = {ARG(built("fdwhy")), ARG("run"), ARG("-q"), file,
			ARG("sh"),           ARG("-c"),  touch,     NULL};

	snprintf(touch, sizeof(touch), "touch %s/ran", w->dir);
	snprintf(file, sizeof(file), "--rules=%s", work_path(w, "rules"));
	file_write(work_path(w, "rules"), "# one\ninject read:error=EIO\nretry  flok:for=5s\n");
	assert_int_equal(run(w, argv, NULL, &p), 125);
	text = file_text(p.err);
	assert_non_null(strstr(text, "rules:3:8: "));
	assert_non_null(strstr(text, "did you mean \"flock\"?"));
	free(text);
	assert_false(file_exists(ARG(work_path(w, "ran"))));
}

/* Nobody is there to be told, so nothing is ruled and the record says why. */
static void plainly_preloaded_a_wrong_rule_rules_nothing(void **state)
{
	const struct work *w = *state;
	char preload[300], session[300], rules[300], *text;
	char *argv[] = {ARG(built("targets/ruled")), ARG("times"), ARG("3"), NULL};
	char *env[] = {preload, session, rules, NULL};
	char *report[] = {ARG(built("fdwhy")), ARG("report"), ARG(work_path(w, "s")), NULL};
	struct proc p;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("libfdwhy.so"));
	snprintf(session, sizeof(session), "FDWHY_SESSION=%s", work_path(w, "s"));
	snprintf(rules, sizeof(rules), "FDWHY_RULES=%s", work_path(w, "rules"));
	assert_int_equal(mkdir(work_path(w, "s"), 0700) | mkdir(work_path(w, "t"), 0700), 0);
	file_write(work_path(w, "rules"), "inject read:error=EIO:kind=pipe:when=2\n");
	assert_int_equal(run(w, argv, env, &p), 0);
	text = file_text(p.out);
	assert_string_equal(text, "1 ok\n2 EIO\n3 ok\n");
	free(text);
	file_write(work_path(w, "rules"),
		   "inject read:error=EIO:kind=pipe:when=2\ninject read:eror=EIO\n");
	snprintf(session, sizeof(session), "FDWHY_SESSION=%s", work_path(w, "t"));
	assert_int_equal(run(w, argv, env, &p), 0);
	text = file_text(p.out);
	assert_string_equal(text, "1 ok\n2 ok\n3 ok\n");
	free(text);
	report[2] = ARG(work_path(w, "t"));
	assert_int_equal(run(w, report, NULL, &p), 0);
	text = file_text(p.out);
	if (!strstr(text, "rules:2:13: unknown key"))
		print_error("%s", text);
	assert_non_null(strstr(text, "rules:2:13: unknown key"));
	free(text);
}

/* Armed but never matching: no call may give anything else than libc's. */
static void rules_that_never_match_change_nothing(void **state)
{
	const struct work *w = *state;
	char *bare[] = {ARG(built("targets/rows")), NULL};
	struct proc p;
	char *text, *rows = ARG(built("targets/rows"));

	assert_int_equal(run(w, bare, NULL, &p), 0);
	text = file_text(p.out);
	EXPECT(w, text, "--inject=%all:error=EIO:comm=nobody", "--retry=%all:comm=nobody",
	       "--ignore=%all:comm=nobody", "--", rows);
	EXPECT(w, text, "--inject=%all:delay_enter=1ns", "--", rows);
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(when_says_which_calls),
		T(counts_are_of_the_process_the_tree_the_thread_or_the_site),
		T(a_seed_repeats_a_schedule_and_a_replay_repeats_a_run),
		T(threads_repeat_their_schedule_where_threads_count),
		T(an_injected_failure_leaves_what_a_real_one_leaves),
		T(a_value_is_returned_without_the_call),
		T(addresses_and_paths_choose),
		T(shared_memory_is_chosen_by_the_path_of_its_file),
		T(short_transfers_move_that_much_and_not_more),
		T(a_signal_comes_at_the_call_it_was_ruled_for),
		T(delays_come_before_and_after_and_are_counted),
		T(every_injection_is_in_the_report),
		T(rules_change_while_the_target_runs),
		T(a_wrong_rule_is_refused_before_the_target_starts),
		T(plainly_preloaded_a_wrong_rule_rules_nothing),
		T(rules_that_never_match_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

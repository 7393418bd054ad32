/* SPDX-License-Identifier: MIT */
/*
 * test_terminal.c - fdwhy run on a terminal of its own: the command has it, is stopped and goes on
 * with it, and gets each of its signals once. And what a broken surrounding must not do to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"

#define DEADLINE_S 30

struct terminal {
	int fd; /* its master side */
	pid_t pid;
	char seen[8192]; /* all output so far */
	size_t bytes;
};

static void on_slave(const char *slave, char *const argv[])
{
	int fd;

	setsid();
	fd = open(slave, O_RDWR); /* the first one opened becomes the controlling terminal */
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	execv(argv[0], argv);
	_exit(127);
}

static void begin_argv(struct terminal *t, char *const argv[])
{
	const struct winsize size = {.ws_row = 30, .ws_col = 90};
	char *slave;

	memset(t, 0, sizeof(*t));
	t->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(t->fd >= 0 && !grantpt(t->fd) && !unlockpt(t->fd));
	slave = ptsname(t->fd);
	assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &size), 0);
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (!t->pid)
		on_slave(slave, argv);
}

static void begin(struct terminal *t, const char *shell_text)
{
	char *argv[] = {ARG(built("fdwhy")), "run", "-q", "sh", "-c", ARG(shell_text), NULL};

	begin_argv(t, argv);
}

static void take_output(struct terminal *t, int ms)
{
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return;
	n = read(t->fd, t->seen + t->bytes, sizeof(t->seen) - 1 - t->bytes);
	t->bytes += n > 0 ? (size_t)n : 0;
	t->seen[t->bytes] = '\0';
}

static bool says(struct terminal *t, const char *text)
{
	for (int i = 0; i < DEADLINE_S * 50 && !strstr(t->seen, text); i++)
		take_output(t, 20);
	if (!strstr(t->seen, text))
		print_error("the terminal shows: %s\n", t->seen);
	return strstr(t->seen, text) != NULL;
}

static void type(const struct terminal *t, const char *text)
{
	assert_int_equal(write(t->fd, text, strlen(text)), strlen(text));
}

/* Status as waitpid gives it; -1 when nothing came until the deadline. */
static int wait_for(struct terminal *t, int options)
{
	int status;

	for (int i = 0; i < DEADLINE_S * 50; i++) {
		if (waitpid(t->pid, &status, options | WNOHANG) == t->pid)
			return status;
		take_output(t, 20);
		if (i > 100) /* a closed terminal is always ready */
			nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return -1;
}

static int finish(struct terminal *t)
{
	int status = wait_for(t, 0);

	while (t->bytes < sizeof(t->seen) - 1) {
		size_t before = t->bytes;

		take_output(t, 0);
		if (t->bytes == before)
			break;
	}
	close(t->fd);
	assert_int_not_equal(status, -1);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static unsigned occurrences(const char *text, const char *word)
{
	unsigned n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

static void the_command_has_the_terminal(void **state)
{
	struct terminal t;

	(void)state;
	begin(&t, "test -t 0 && test -t 1 && test -t 2 && stty size </dev/tty && read x && echo "
		  "got=$x");
	assert_true(says(&t, "30 90"));
	type(&t, "words\n");
	assert_true(says(&t, "got=words"));
	assert_int_equal(finish(&t), 0);
}

static void an_interrupt_key_reaches_the_command_once(void **state)
{
	struct terminal t;

	(void)state;
	begin(&t, "n=0; trap 'n=$((n+1)); echo int-$n' INT; echo ready; read x; read x; echo "
		  "end-$n; exit 9");
	assert_true(says(&t, "ready"));
	type(&t, "\003");
	assert_true(says(&t, "int-1"));
	type(&t, "\n\n"); /* a second INT would be counted before the end */
	assert_true(says(&t, "end-1"));
	assert_int_equal(finish(&t), 9);
	assert_int_equal(occurrences(t.seen, "int-"), 1);
}

static void an_interrupt_key_ends_a_plain_command(void **state)
{
	struct terminal t;

	(void)state;
	begin(&t, "echo ready; exec cat");
	assert_true(says(&t, "ready"));
	type(&t, "\003");
	assert_int_equal(finish(&t), 128 + SIGINT);
}

/* `make run CMD=...` of a daemon ends so: the report is what was asked for. */
static void the_demonstration_reports_after_an_interrupt_key(void **state)
{
	char *argv[] = {"/bin/sh", "tests/run-demo.sh", "echo rea''dy; exec cat", NULL};
	struct terminal t;

	(void)state;
	setenv("O", built("."), 1);
	begin_argv(&t, argv);
	assert_true(says(&t, "ready"));
	type(&t, "\003");
	assert_true(says(&t, "Totals: "));
	assert_int_equal(finish(&t), 128 + SIGINT);
}

static void a_new_window_size_reaches_the_command_once(void **state)
{
	const struct winsize size = {.ws_row = 41, .ws_col = 101};
	struct terminal t;

	(void)state;
	begin(&t, "trap 'echo winch; stty size </dev/tty' WINCH; echo ready; read x; read x; exit "
		  "3");
	assert_true(says(&t, "ready"));
	assert_int_equal(ioctl(t.fd, TIOCSWINSZ, &size), 0);
	assert_true(says(&t, "41 101"));
	type(&t, "\n\n");
	assert_int_equal(finish(&t), 3);
	assert_int_equal(occurrences(t.seen, "winch"), 1);
}

/* The stop character stops the whole foreground group; SIGCONT to the group lets it go on. */
static void the_command_stops_and_goes_on_with_its_job(void **state)
{
	struct terminal t;
	int status;

	(void)state;
	/* The group of a session's leader is orphaned: it would ignore SIGTSTP, SIGSTOP not. */
	begin(&t, "echo ready; read x; echo went-on=$x; exit 5");
	assert_true(says(&t, "ready"));
	assert_int_equal(kill(-t.pid, SIGSTOP), 0);
	status = wait_for(&t, WUNTRACED);
	assert_true(status != -1 && WIFSTOPPED(status));
	type(&t, "later\n");
	assert_int_equal(kill(-t.pid, SIGCONT), 0);
	assert_true(says(&t, "went-on=later"));
	assert_int_equal(finish(&t), 5);
}

static void a_hangup_ends_the_command(void **state)
{
	struct terminal t;
	int status;

	(void)state;
	begin(&t, "echo ready; exec cat");
	assert_true(says(&t, "ready"));
	close(t.fd);
	t.fd = -1;
	status = wait_for(&t, 0);
	assert_int_not_equal(status, -1);
	assert_true(WIFEXITED(status));
}

/* ---- without a terminal ------------------------------------------------------------------------
 */

static void an_ignored_sigchld_loses_no_status(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("fdwhy")), "run", "-q", "sh", "-c", "exit 7", NULL};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	struct proc p;

	sigaction(SIGCHLD, &ignore, &old);
	p = proc_start(w, argv, NULL);
	sigaction(SIGCHLD, &old, NULL);
	assert_int_equal(WEXITSTATUS(proc_wait(&p)), 7);
}

static void a_log_that_cannot_be_opened_starts_nothing(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG(built("fdwhy")),
			"run",
			"-o",
			ARG(work_path(w, "s")),
			"--log=/no/such/x",
			"touch",
			ARG(work_path(w, "ran")),
			NULL};

	assert_int_equal(run(w, argv, NULL, NULL), 125);
	assert_false(file_exists(ARG(work_path(w, "ran"))));
	assert_false(file_exists(ARG(work_path(w, "s"))));
}

/* The end of some process of the session, as noted. */
static void ended_with(const char *session, const char *words)
{
	char path[600], *text;

	snprintf(path, sizeof(path), "%s/ends.jsonl", session);
	text = file_text(path);
	if (!strstr(text, words))
		print_error("%s has: %s\n", path, text);
	assert_non_null(strstr(text, words));
	free(text);
}

struct writing {
	pid_t pid;
	long before;
};

/* Writes a process has tried; -1 where the kernel does not count. */
static long writes_of(pid_t pid)
{
	char path[64], *text, *at;
	long n;

	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	text = file_text(path);
	at = strstr(text, "syscw: ");
	n = at ? atol(at + 7) : -1;
	free(text);
	return n;
}

static bool has_written(void *arg)
{
	const struct writing *w = arg;

	return writes_of(w->pid) > w->before;
}

/* The reader of the log goes away while the command still fails: only the log suffers. */
static void a_broken_log_does_not_reach_the_command(void **state)
{
	const struct work *w = *state;
	const char *fifo = work_path(w, "fifo");
	char option[400], script[800];
	struct writing writing;
	struct proc p;
	int reader;

	SKIP_UNLESS(writes_of(getpid()) >= 0, "the kernel does not count writes of a process");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	snprintf(option, sizeof(option), "--log=%s", fifo);
	snprintf(script, sizeof(script),
		 "echo ready; read x; %s pipe_full </dev/null >/dev/null; read x; exit 4",
		 built("targets/failing"));
	p = proc_start(w,
		       (char *const[]){ARG(built("fdwhy")), "run", "-o", ARG(work_path(w, "s")),
				       option, "sh", "-c", script, NULL},
		       NULL);
	assert_true(proc_says(&p, "ready"));
	close(reader);
	writing = (struct writing){p.pid, writes_of(p.pid)};
	assert_int_equal(write(p.in, "\n", 1), 1);
	assert_true(wait_until(has_written, &writing, DEADLINE_S));
	signal(SIGPIPE, SIG_IGN); /* only now: the command would inherit it */
	if (write(p.in, "\n", 1) < 0)
		print_error("the command has ended\n");
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(WEXITSTATUS(proc_wait(&p)), 125);
	ended_with(work_path(w, "s"), "\"status\":4,\"signal\":null");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(the_command_has_the_terminal),
		T(an_interrupt_key_reaches_the_command_once),
		T(an_interrupt_key_ends_a_plain_command),
		T(the_demonstration_reports_after_an_interrupt_key),
		T(a_new_window_size_reaches_the_command_once),
		T(the_command_stops_and_goes_on_with_its_job),
		T(a_hangup_ends_the_command),
		T(an_ignored_sigchld_loses_no_status),
		T(a_log_that_cannot_be_opened_starts_nothing),
		T(a_broken_log_does_not_reach_the_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

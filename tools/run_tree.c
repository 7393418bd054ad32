/* SPDX-License-Identifier: MIT */
/*
 * run_tree.c - starts the command and stays with its process tree: as subreaper it inherits daemons
 * that fork away, notes how each process ended (ends.jsonl) and which never loaded the shim
 * (unfollowed.jsonl), and hands signals on. It changes nothing for the command itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "elfkind.h"
#include "json_add.h"
#include "names.h"
#include "record_read.h"
#include "run.h"
#include "session.h"
#include "util.h"

#define LOOK_NS 200000000u   /* how often to look for processes without a record */
#define CHILDREN_BYTES 65536 /* of one process, as text; what is beyond is not looked at */

static const int forwarded[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM, SIGUSR1,
				SIGUSR2, SIGALRM, SIGWINCH, SIGPIPE};

static void block(sigset_t *ret_old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, ret_old);
}

/* ---- starting ---------------------------------------------------------------------------------
 */

static void set_environment(const struct tree *t, const struct run_options *o, const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char *preload =
		others && *others ? util_format("%s:%s", others, library) : util_copy(library);

	setenv("LD_PRELOAD", preload, 1); /* ours last: a sanitizer must be first */
	setenv("FDWHY_SESSION", t->session, 1);
	if (o->stacks)
		setenv("FDWHY_STACKS", o->stacks, 1);
	if (o->size)
		setenv("FDWHY_SIZE", o->size, 1);
	if (o->quarantine)
		setenv("FDWHY_QUARANTINE", "1", 1);
	free(preload);
}

int tree_start(struct tree *t, const struct run_options *o, const char *library)
{
	/* An ignored SIGCHLD, which exec keeps, would lose every status. */
	const struct sigaction normal = {.sa_handler = SIG_DFL};
	struct sigaction inherited;
	sigset_t old;
	int channel[2], error = 0;

	if (pipe2(channel, O_CLOEXEC))
		return util_error(125, "pipe: %s", strerror(errno));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	block(&old);
	sigaction(SIGCHLD, &normal, &inherited);
	t->child = fork();
	if (t->child < 0)
		return util_error(125, "fork: %s", strerror(errno));
	if (!t->child) {
		sigaction(SIGCHLD, &inherited, NULL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		set_environment(t, o, library);
		execvp(o->command[0], o->command);
		error = errno;
		if (write(channel[1], &error, sizeof(error)) < 0)
			_exit(126);
		_exit(127);
	}
	close(channel[1]);
	if (read(channel[0], &error, sizeof(error)) != sizeof(error))
		error = 0; /* closed by exec */
	close(channel[0]);
	if (!error)
		return 0;
	waitpid(t->child, NULL, 0);
	return util_error(error == ENOENT ? 127 : 126, "%s: %s", o->command[0], strerror(error));
}

/* ---- ends -------------------------------------------------------------------------------------
 */

static void append(const struct tree *t, const char *name, struct json_object *o)
{
	char *path = util_format("%s/%s", t->session, name);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "a");

	if (f) {
		fprintf(f, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
		fclose(f);
	}
	json_object_put(o);
	free(path);
}

static void note_end(struct tree *t, pid_t pid, int status)
{
	struct json_object *o = json_object_new_object();
	bool killed = WIFSIGNALED(status);

	ADD(o, "pid", json_object_new_int(pid));
	ADD(o, "time_real_ns", json_number(util_now_ns(CLOCK_REALTIME)));
	ADD(o, "status", killed ? NULL : json_object_new_int(WEXITSTATUS(status)));
	ADD(o, "signal", killed ? json_object_new_int(WTERMSIG(status)) : NULL);
	append(t, "ends.jsonl", o);
}

/* false when no child is left. */
static bool reap(struct tree *t)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		note_end(t, pid, status);
		if (pid != t->child)
			continue;
		t->child_ended = true;
		t->child_status = status;
	}
	return pid == 0;
}

/* ---- processes without a record -----------------------------------------------------------------
 */

static void note_spare(const char *path, void *arg)
{
	struct tree *t = arg;
	int pid = record_spare_pid(path);

	if (pid)
		*UTIL_PUSH(t->spares, t->spares_count, t->spares_room) = pid;
}

/* A fork child's record has its parent's name for it; read once a look. */
static bool has_spare(struct tree *t, int pid)
{
	if (t->spares_look != t->looks + 1) {
		t->spares_look = t->looks + 1;
		t->spares_count = 0;
		session_spares(t->session, note_spare, t);
	}
	for (size_t i = 0; i < t->spares_count; i++)
		if (t->spares[i] == pid)
			return true;
	return false;
}

static bool has_record(struct tree *t, int pid)
{
	char *path = util_format("%s/%d.rec", t->session, pid);
	bool found = !access(path, F_OK);

	free(path);
	return found || has_spare(t, pid);
}

static bool is_old_enough(int pid)
{
	uint64_t start = session_process_start(pid);

	return start && util_now_ns(CLOCK_BOOTTIME) > start + 2 * LOOK_NS;
}

/* Without a record at two looks in a row, for the first time? */
static bool is_unfollowed(struct tree *t, int pid)
{
	struct suspect *s;

	for (size_t i = 0; i < t->suspects_count; i++) {
		s = &t->suspects[i];
		if (s->pid != pid)
			continue;
		if (!s->noted && s->look + 1 == t->looks)
			return s->noted = true;
		s->look = t->looks;
		return false;
	}
	s = UTIL_PUSH(t->suspects, t->suspects_count, t->suspects_room);
	*s = (struct suspect){.pid = pid, .look = t->looks};
	return false;
}

static void note_unfollowed(struct tree *t, int pid)
{
	struct json_object *o;
	char link[64], comm[64], exe[4096] = "?", *reached;
	ssize_t n;

	if (!util_comm(pid, comm, sizeof(comm)))
		strcpy(comm, "?");
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 1] = '\0';
	reached = util_copy(link);
	o = json_object_new_object();
	ADD(o, "pid", json_object_new_int(pid));
	ADD(o, "comm", json_object_new_string(comm));
	ADD(o, "exe", json_object_new_string(util_clean(exe)));
	ADD(o, "why", json_object_new_string(elfkind_reason(reached)));
	append(t, "unfollowed.jsonl", o);
	free(reached);
}

/* Its children as /proc lists them, "12 345 "; allocated. */
static char *children_of(int pid)
{
	char path[64], *list = util_alloc(1, CHILDREN_BYTES);

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	if (util_read_file(path, list, CHILDREN_BYTES) <= 0)
		*list = '\0';
	return list;
}

/* 0 at the end. A number that the end of the buffer cut would be another process. */
static pid_t next_child(char **at)
{
	char *end;
	long n = strtol(*at, &end, 10);

	*at = end;
	return n > 0 && *end == ' ' ? (pid_t)n : 0;
}

void tree_children(int pid, void (*each)(pid_t child, void *arg), void *arg)
{
	char *list = children_of(pid), *at = list;

	for (pid_t child; (child = next_child(&at));)
		each(child, arg);
	free(list);
}

static void look_at(pid_t pid, void *arg)
{
	struct tree *t = arg;

	if (is_old_enough(pid) && !has_record(t, pid) && is_unfollowed(t, pid))
		note_unfollowed(t, pid);
	if (t->depth++ < 32)
		tree_children(pid, look_at, t);
	t->depth--;
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

static void hand_on(pid_t child, void *signo)
{
	kill(child, *(int *)signo);
}

/* What the terminal sends goes to the whole foreground group: the command has it already. */
static void forward(const struct tree *t, const siginfo_t *info)
{
	int signo = info->si_signo;

	if (info->si_code > 0 || info->si_pid == getpid()) /* SIGPIPE of the log is ours alone */
		return;
	if (t->child_ended)
		tree_children(getpid(), hand_on, &signo);
	else
		kill(t->child, signo);
}

bool tree_step(struct tree *t, int ms)
{
	const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	siginfo_t info;
	sigset_t set;
	int signo;

	sigprocmask(SIG_SETMASK, NULL, &set);
	signo = sigtimedwait(&set, &info, &wait);
	if (signo > 0 && signo != SIGCHLD)
		forward(t, &info);
	if (!reap(t))
		return false;
	if (util_now_ns(CLOCK_MONOTONIC) - t->looked_ns > LOOK_NS) {
		t->looks++;
		tree_children(getpid(), look_at, t);
		t->looked_ns = util_now_ns(CLOCK_MONOTONIC);
	}
	return t->all || !t->child_ended;
}

int tree_status(const struct tree *t)
{
	return WIFSIGNALED(t->child_status) ? 128 + WTERMSIG(t->child_status)
					    : WEXITSTATUS(t->child_status);
}

/* SPDX-License-Identifier: MIT */
/*
 * sweep_stop.c - where a run stands when it hangs, and where it crashes. A crash is made once more,
 * under ptrace: at the signal that kills, the process is left stopped, looked at and ended.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "run.h"
#include "sweep.h"
#include "util.h"

#define OPTIONS (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL)

/* The stack of thread `tid` of a process, of its first thread when it is not seen; allocated. */
static char *stack_of(pid_t pid, pid_t tid)
{
	struct model m = {.session = NULL};
	struct symbols *y;
	uint32_t at = model_present_of(&m, pid);
	const struct model_present *x = &m.presents[at];
	uint32_t thread = 0;
	char *text;

	while (thread < x->threads && x->thread[thread].tid != tid)
		thread++;
	if (thread == x->threads)
		thread = 0;
	y = symbols_open(&m, true, false);
	if (x->threads && x->thread[thread].stack != MODEL_NONE)
		text = sweep_stack_text(&m, y, x->thread[thread].stack);
	else
		text = util_format("       (no stack: %s)\n", *x->why      ? x->why
							      : x->threads ? x->thread[thread].why
									   : "the process is gone");
	symbols_close(y);
	model_free(&m);
	return text;
}

/* ---- hangs ------------------------------------------------------------------------------------
 */

struct standing {
	FILE *to;
	pid_t last;
};

/* "prog 123 waits in futex_wait; ..." */
static void describe(pid_t pid, void *arg)
{
	struct standing *s = arg;
	char path[64], comm[64], where[128];

	if (!util_comm(pid, comm, sizeof(comm)))
		return;
	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);
	if (util_read_file(path, where, sizeof(where)) <= 0 || !strcmp(where, "0"))
		strcpy(where, "nothing: it is running");
	fprintf(s->to, "%s%s %d waits in %s", s->last ? "; " : "", comm, (int)pid, where);
	s->last = pid;
	tree_children(pid, describe, s);
}

void sweep_standing(struct sweep_job *j)
{
	struct standing s = {.last = 0};
	size_t n;

	s.to = open_memstream(&j->hung, &n);
	if (!s.to)
		return;
	tree_children(j->pid, describe, &s);
	fclose(s.to);
	if (s.last)
		j->stack = stack_of(s.last, s.last);
}

/* ---- crashes ----------------------------------------------------------------------------------
 */

static bool field_of(pid_t tid, const char *name, int base, unsigned long long *ret)
{
	char path[64], status[4096], *at;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	if (util_read_file(path, status, sizeof(status)) <= 0)
		return false;
	at = strstr(status, name);
	if (at)
		*ret = strtoull(at + strlen(name), NULL, base);
	return at != NULL;
}

/* Will it kill? A handler may go on from there, as those of virtual machines do. */
static bool kills(pid_t tid, int signo)
{
	unsigned long long caught = 0, ignored = 0;

	field_of(tid, "\nSigCgt:\t", 16, &caught);
	field_of(tid, "\nSigIgn:\t", 16, &ignored);
	return sweep_is_fault(signo) && !((caught | ignored) >> (signo - 1) & 1);
}

static char *look_at(pid_t tid)
{
	const struct timespec ms = {.tv_nsec = 1000000};
	unsigned long long pid = (unsigned long long)tid;
	char path[64], stat[512];

	field_of(tid, "\nTgid:\t", 10, &pid);
	ptrace(PTRACE_DETACH, tid, 0, SIGSTOP);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	for (int i = 0; i < 1000; i++) {
		const char *end =
			util_read_file(path, stat, sizeof(stat)) > 0 ? strrchr(stat, ')') : NULL;

		if (end && end[2] == 'T')
			break;
		nanosleep(&ms, NULL);
	}
	return stack_of((pid_t)pid, tid);
}

/* Lets a stopped thread go on; its stack when it is to die now. */
static char *next_stop(pid_t tid, int status)
{
	int event = status >> 16, signo = WSTOPSIG(status);

	if (event == PTRACE_EVENT_STOP) {
		bool group = signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN ||
			     signo == SIGTTOU;

		ptrace(group ? PTRACE_LISTEN : PTRACE_CONT, tid, 0, 0);
	} else if (event) {
		ptrace(PTRACE_CONT, tid, 0, 0);
	} else if (kills(tid, signo)) {
		return look_at(tid);
	} else {
		ptrace(PTRACE_CONT, tid, 0, signo);
	}
	return NULL;
}

static void end(struct sweep_job *j)
{
	pid_t tid;
	int status;

	tree_children(j->pid, sweep_kill_below, NULL);
	while ((tid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, tid, 0, status >> 16 ? 0 : WSTOPSIG(status));
	sweep_job_free(j, false);
}

/* In a process of its own, since it waits for whatever there is to wait for. */
static char *trace(const struct sweep *s, size_t at)
{
	struct sweep_job j = {.at = at, .traced = true};
	char *text = NULL;
	pid_t tid;
	int status;

	if (sweep_job_start(s, &j, "again") || ptrace(PTRACE_SEIZE, j.pid, 0, OPTIONS))
		return NULL;
	sweep_job_go(&j);
	while (!text && (tid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status))
			text = next_stop(tid, status);
	end(&j);
	return text;
}

char *sweep_crash(const struct sweep *s, size_t at, uint64_t limit_ns)
{
	int channel[2], status;
	char *text = util_alloc(1, 65536);
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	if (pipe2(channel, O_CLOEXEC))
		return text;
	pid = fork();
	if (!pid) {
		char *stack;

		alarm((unsigned)(limit_ns / 1000000000u) + 2); /* then what it traces dies too */
		stack = trace(s, at);
		if (stack && write(channel[1], stack, strlen(stack)) < 0)
			_exit(1);
		_exit(0);
	}
	close(channel[1]);
	while (n < 65535 && (got = read(channel[0], text + n, 65535 - n)) > 0)
		n += (size_t)got;
	close(channel[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return text;
}

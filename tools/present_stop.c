/* SPDX-License-Identifier: MIT */
/*
 * present_stop.c - the only file that stops anything: from PTRACE_INTERRUPT to PTRACE_DETACH it
 * reads registers and copies the top of the stack, nothing else. A signal that comes in between is
 * handed on.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "present_parts.h"
#include "present_restart.h"
#include "util.h"

#define PAGE 4096u
#define PATIENCE_NS 250000000u /* for a thread to come to a stop: it runs on meanwhile */

/* A page an element: what is not mapped beyond the stack cuts the copy there, and fails nothing. */
static void copy_stack(struct present_copy *c)
{
	struct iovec to = {c->stack, PRESENT_STACK_BYTES}, from[PRESENT_STACK_BYTES / PAGE + 1];
	uint64_t at = c->sp, end = c->sp + PRESENT_STACK_BYTES;
	unsigned n = 0;
	ssize_t got;

	while (at < end) {
		uint64_t next = (at | (PAGE - 1)) + 1;

		next = next < end ? next : end;
		from[n++] = (struct iovec){(void *)(uintptr_t)at, next - at};
		at = next;
	}
	got = process_vm_readv(c->tid, &to, 1, from, n, 0);
	c->bytes = got > 0 ? (uint64_t)got : 0;
}

static void copy_registers(struct present_copy *c)
{
	void *upt = _UPT_create(c->tid);

	memset(c->reg_known, 0, sizeof(c->reg_known));
	for (unsigned i = 0; upt && i < PRESENT_REGS; i++)
		if (!_UPT_access_reg(NULL, (unw_regnum_t)i, &c->reg[i], 0, upt))
			c->reg_known[i / 64] |= UINT64_C(1) << i % 64;
	if (upt)
		_UPT_destroy(upt);
	c->sp = c->reg[UNW_TDEP_SP];
}

/* 0, or the signal that was on its way; -1: it does not stop in time. */
static int wait_for_stop(pid_t tid)
{
	const struct timespec tick = {.tv_nsec = 50000};
	uint64_t began = util_now_ns(CLOCK_MONOTONIC);
	int status;
	pid_t got;

	while (!(got = waitpid(tid, &status, __WALL | WNOHANG)) &&
	       util_now_ns(CLOCK_MONOTONIC) - began < PATIENCE_NS)
		nanosleep(&tick, NULL);
	if (got != tid || !WIFSTOPPED(status))
		return -1;
	return status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
}

/* "12 (a name) S ..." */
static void read_state(struct present_thread *t)
{
	char path[64], text[512], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", t->tid);
	if (util_read_file(path, text, sizeof(text)) <= 0)
		return;
	at = strrchr(text, ')');
	t->state = at && at[1] == ' ' ? at[2] : '\0';
	util_comm(t->tid, t->name, sizeof(t->name));
}

static bool refuse(struct present_thread *t, const char *why)
{
	snprintf(t->why, sizeof(t->why), "%s", why);
	return false;
}

/* EPERM, and ENOSYS of filters: why, and what would help. */
static void say_refused(struct present_thread *t)
{
	char scope[8] = "";

	if (!geteuid())
		snprintf(t->why, sizeof(t->why), "not permitted, even to root: by some policy");
	else if (util_read_file("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope)) > 0 &&
		 *scope != '0')
		snprintf(t->why, sizeof(t->why),
			 "not permitted (kernel.yama.ptrace_scope is %c): ask as root", *scope);
	else
		snprintf(t->why, sizeof(t->why), "not permitted: ask as root");
}

/* Who traces it already keeps us out, too. */
static bool refuse_errno(struct present_thread *t, int error)
{
	char path[64], text[2048], *at;

	snprintf(path, sizeof(path), "/proc/%d/status", t->tid);
	at = util_read_file(path, text, sizeof(text)) > 0 ? strstr(text, "TracerPid:") : NULL;
	if (at && atoi(at + 10))
		snprintf(t->why, sizeof(t->why), "pid %d traces it", atoi(at + 10));
	else if (error == EPERM || error == ENOSYS)
		say_refused(t);
	else
		snprintf(t->why, sizeof(t->why), "%s",
			 error == ESRCH ? "it has ended" : strerror(error));
	return false;
}

bool present_stop(struct present_thread *t, struct present_copy *ret, bool *ret_stuck)
{
	uint64_t began;
	int signo;

	*ret_stuck = false;
	read_state(t);
	if (t->state == 'D')
		return refuse(t, "it sleeps uninterruptibly in the kernel");
	if (t->state == 'Z' || t->state == 'X' || !t->state)
		return refuse(t, "it has ended");
	if (ptrace(PTRACE_SEIZE, t->tid, NULL, NULL))
		return refuse_errno(t, errno);
	began = util_now_ns(CLOCK_MONOTONIC);
	ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
	signo = wait_for_stop(t->tid);
	if (signo < 0) {
		*ret_stuck = true;
		return refuse(t, "it did not stop in time");
	}
	ret->tid = t->tid;
	copy_registers(ret);
	copy_stack(ret);
	present_restart(t->tid);
	ptrace(PTRACE_DETACH, t->tid, NULL, (void *)(intptr_t)signo);
	t->stopped_ns = util_now_ns(CLOCK_MONOTONIC) - began;
	return true;
}

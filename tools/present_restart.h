/* SPDX-License-Identifier: MIT */
/*
 * present_restart.h - a thread that is stopped in a system call goes on with it: most are restarted
 * by the kernel, but some, epoll_wait(2) first of all, would return EINTR to the program, without
 * any signal (signal(7)). Where the processor lets us, these are told to start again, as if
 * SA_RESTART held for them; a real signal that came meanwhile still interrupts them.
 */
#ifndef TOOL_PRESENT_RESTART_H
#define TOOL_PRESENT_RESTART_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>

#ifdef __x86_64__
#define PRESENT_RESTART_NOHAND 514 /* ERESTARTNOHAND of the kernel: EINTR if there is a handler */
#define PRESENT_CODE_64 0x33       /* cs of a 64 bit program */

/* Interrupted without having done anything: not close(2), whose fd is gone then. */
static inline bool present_restartable(long call)
{
	static const long calls[] = {
		SYS_epoll_wait, SYS_epoll_pwait,     SYS_epoll_pwait2, SYS_semop,
		SYS_semtimedop, SYS_rt_sigtimedwait, SYS_recvfrom,     SYS_recvmsg,
		SYS_accept,     SYS_accept4,         SYS_sendto,       SYS_sendmsg,
		SYS_connect,    SYS_io_getevents,    SYS_read,         SYS_write};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == call)
			return true;
	return false;
}

static inline void present_restart(pid_t tid)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &r) || r.cs != PRESENT_CODE_64 ||
	    (long)r.rax != -EINTR || !present_restartable((long)r.orig_rax))
		return;
	r.rax = (unsigned long long)-PRESENT_RESTART_NOHAND;
	ptrace(PTRACE_SETREGS, tid, NULL, &r);
}
#else
static inline void present_restart(pid_t tid)
{
	(void)tid; /* the kernel decides about restarting before the stop can be seen */
}
#endif

#endif

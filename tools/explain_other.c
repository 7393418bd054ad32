/* SPDX-License-Identifier: MIT */
/*
 * explain_other.c - calls that move from one fd to another, and calls without an fd: the object
 * that the call names says why, in a table.
 */
#include <stddef.h>
#include "explain_parts.h"
#include "names.h"

#define MANY 10000u

static const struct other {
	uint16_t call;
	uint16_t cause;
	enum severity severity;
	const char *text;
} others[] = {
	{CALL_sem_trywait, CAUSE_semaphore_zero, SEVERITY_benign,
	 "the semaphore was 0 at that moment"},
	{CALL_semop, CAUSE_semaphore_zero, SEVERITY_benign,
	 "the semaphore would have had to be waited for (IPC_NOWAIT)"},
	{CALL_semtimedop, CAUSE_semaphore_zero, SEVERITY_suspicious,
	 "the semaphore did not get free (IPC_NOWAIT, or the time ran out)"},
	{CALL_msgsnd, CAUSE_queue_full, SEVERITY_failure,
	 "the message queue is full (IPC_NOWAIT): its reader does not keep up"},
	{CALL_msgrcv, CAUSE_nothing_to_read, SEVERITY_benign, "no message was there"},
	{CALL_sigtimedwait, CAUSE_nothing_pending, SEVERITY_benign,
	 "no signal of the set came in time"},
	{CALL_sigwaitinfo, CAUSE_nothing_pending, SEVERITY_benign, "no signal of the set came"},
	{CALL_getrandom, CAUSE_nothing_to_read, SEVERITY_suspicious,
	 "the kernel has no random bytes ready (GRND_NONBLOCK)"},
	{CALL_timer_create, CAUSE_timer_limit, SEVERITY_failure,
	 "no more timers can be made (RLIMIT_SIGPENDING)"},
	{CALL_mlock, CAUSE_memory_limit, SEVERITY_failure,
	 "not all of the memory could be locked"},
	{CALL_mlock2, CAUSE_memory_limit, SEVERITY_failure,
	 "not all of the memory could be locked"},
	{CALL_mlockall, CAUSE_memory_limit, SEVERITY_failure,
	 "not all of the memory could be locked"},
	{CALL_aio_read, CAUSE_aio_limit, SEVERITY_failure, "libc could not queue the request"},
	{CALL_aio_write, CAUSE_aio_limit, SEVERITY_failure, "libc could not queue the request"},
	{CALL_aio_fsync, CAUSE_aio_limit, SEVERITY_failure, "libc could not queue the request"},
	{CALL_lio_listio, CAUSE_aio_limit, SEVERITY_failure,
	 "libc could not queue the requests, or not all of them"},
};

static const struct other *other_of(uint16_t call)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].call == call)
			return &others[i];
	return NULL;
}

void explain_other(const struct explain_in *in, struct explanation *ret)
{
	const struct other *o = other_of(in->call);

	if (!o) {
		ret->unknown = "no rule for this call";
		return;
	}
	explain_cause(ret, (enum explain_cause)o->cause);
	explain_say(ret, "%s", o->text);
}

/* No fd whose fate could be followed: many, and many a second. */
enum severity explain_other_severity(const struct explain_in *in)
{
	const struct other *o = other_of(in->call);
	bool endless = in->count > MANY && in->duration_ns &&
		       in->count * 1000000000u / in->duration_ns > EXPLAIN_SPINS_A_SECOND;

	return !o ? SEVERITY_failure : endless ? SEVERITY_suspicious : o->severity;
}

/* ---- moving: what was not read yet, or what could not be written; the record says which
 * ----------- */

bool explain_moves_input(const struct explain_in *in)
{
	return call_class(in->call) == CLASS_move &&
	       ((in->facts && in->facts->msg_flags & FACTS_INPUT) || in->kind == KIND_pipe_read);
}

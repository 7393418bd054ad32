/* SPDX-License-Identifier: MIT */
/* api_cause.c - see api_cause.h. */
#include <stddef.h>
#include "api_cause.h"
#include "call_table.h"

static const char others[CALL_COUNT][20] = {
	[CALL_sem_trywait] = "semaphore-zero",  [CALL_semop] = "semaphore-zero",
	[CALL_semtimedop] = "semaphore-zero",   [CALL_msgsnd] = "queue-full",
	[CALL_msgrcv] = "nothing-to-read",      [CALL_sigtimedwait] = "nothing-pending",
	[CALL_sigwaitinfo] = "nothing-pending", [CALL_getrandom] = "nothing-to-read",
	[CALL_timer_create] = "timer-limit",    [CALL_mlock] = "memory-limit",
	[CALL_mlock2] = "memory-limit",         [CALL_mlockall] = "memory-limit",
	[CALL_aio_read] = "aio-limit",          [CALL_aio_write] = "aio-limit",
	[CALL_aio_fsync] = "aio-limit",         [CALL_lio_listio] = "aio-limit",
};

/* EAGAIN stands for both; a datagram fits into its own buffer unless that is full. */
static const char *cause_of_datagram(const struct record_facts *f)
{
	const uint32_t both = 1u << FACT_outq | 1u << FACT_sndbuf;

	if ((f->have & both) != both)
		return "unknown";
	return f->outq_bytes + f->asked_bytes >= f->sndbuf_bytes ? "send-buffer-full"
								 : "peer-queue-full";
}

static const char *cause_of_send(uint8_t kind, const struct record_facts *f)
{
	switch (kind) {
	case KIND_pipe_write:
	case KIND_fifo:
		return "pipe-full";
	case KIND_eventfd:
	case KIND_mqueue:
		return "queue-full";
	case KIND_unix_dgram:
		return cause_of_datagram(f);
	default:
		return "send-buffer-full";
	}
}

static const char *cause_of_wait(const char *cause, const struct record_facts *f)
{
	return f->have & 1u << FACT_mode && f->mode == MODE_rcvtimeo ? "receive-timeout" : cause;
}

static const char *cause_of_move(uint8_t kind, const struct record_facts *f)
{
	if (f->msg_flags & FACTS_INPUT || kind == KIND_pipe_read)
		return cause_of_wait("nothing-to-read", f);
	return cause_of_send(kind, f);
}

const char *api_cause(uint16_t call, uint8_t kind, const struct record_facts *f)
{
	static const char plain[CLASS_COUNT][16] = {
		[CLASS_lock] = "lock-held",
		[CLASS_open] = "lease-held",
		[CLASS_process] = "process-limit",
		[CLASS_exec] = "process-limit",
	};
	enum call_class class = call_class(call);

	switch (class) {
	case CLASS_send:
	case CLASS_close: /* what the stream still had to write */
		return cause_of_send(kind, f);
	case CLASS_recv:
		return cause_of_wait("nothing-to-read", f);
	case CLASS_accept:
		return cause_of_wait("nothing-pending", f);
	case CLASS_move:
		return cause_of_move(kind, f);
	case CLASS_connect:
		return kind == KIND_tcp || kind == KIND_udp ? "ports-exhausted"
							    : "listener-backlog-full";
	default:
		break;
	}
	if (call == CALL_fcntl)
		return "lock-held";
	if (*others[call])
		return others[call];
	return *plain[class] ? plain[class] : "unknown";
}

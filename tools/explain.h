/* SPDX-License-Identifier: MIT */
/*
 * explain.h - why a call failed with EAGAIN, from the facts that the shim took, and what the target
 * did then. Pure: data in, words out. Evidence that could not be had is "unknown (why)", never
 * guessed.
 *
 * How bad it is follows from what the target did (docs/causes.md has the same as a table):
 *
 * - failure: given up (closed, or its process ended) when sending, connecting or locking;
 *   SO_SNDTIMEO ran out; a retry of ours gave up; no process, no lease.
 * - suspicious: spun (EXPLAIN_SPINS); waited for longer than EXPLAIN_LONG_NS to send, or on a
 *   connection still does; SO_RCVTIMEO ran out; a connection refused at first; a lock not got for
 *   EXPLAIN_LONG_NS, or not yet; a retry of ours succeeded.
 * - benign: the rest: a drained event loop, a wait that ended, a lock got soon.
 */
#ifndef TOOL_EXPLAIN_H
#define TOOL_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include "calls.h"
#include "record.h"

enum severity { SEVERITY_benign, SEVERITY_suspicious, SEVERITY_failure };

#define EXPLAIN_LONG_NS 1000000000ull
#define EXPLAIN_SENTENCE 640u
/*
 * Spinning: in one process so many calls at once again, more than half of its failures there, so
 * many a second. One try more before each wait is no loop.
 */
#define EXPLAIN_SPINS 100u
#define EXPLAIN_SPINS_A_SECOND 1000u

/* X(name in C, name in reports); docs/causes.md has a section for each. */
#define EXPLAIN_CAUSES(X)                                 \
	X(send_buffer_full, "send-buffer-full")           \
	X(peer_queue_full, "peer-queue-full")             \
	X(pipe_full, "pipe-full")                         \
	X(queue_full, "queue-full")                       \
	X(listener_backlog_full, "listener-backlog-full") \
	X(ports_exhausted, "ports-exhausted")             \
	X(nothing_pending, "nothing-pending")             \
	X(nothing_to_read, "nothing-to-read")             \
	X(receive_timeout, "receive-timeout")             \
	X(lock_held, "lock-held")                         \
	X(lease_held, "lease-held")                       \
	X(process_limit, "process-limit")                 \
	X(semaphore_zero, "semaphore-zero")               \
	X(timer_limit, "timer-limit")                     \
	X(memory_limit, "memory-limit")                   \
	X(aio_limit, "aio-limit")
enum explain_cause {
#define X(name, text) CAUSE_##name,
	EXPLAIN_CAUSES(X)
#undef X
		CAUSE_COUNT
};
/* Of `count` failures `spun` were followed by another try at once, `spun_ns` in all after them. */
bool explain_spins(uint64_t spun, uint64_t count, uint64_t spun_ns);
const char *explain_cause_name(enum explain_cause cause);

struct explain_in {
	uint16_t call;
	uint8_t kind;
	int pid;                          /* whose call it was, the latest one; 0 unknown */
	const char *target;               /* NULL unknown */
	const struct record_facts *facts; /* NULL none */
	uint64_t count, pending;
	uint64_t fate[FATE_COUNT];
	uint64_t waited_max_ns;
	uint64_t pending_ns;  /* a living process has been waiting for so long; 0 none */
	bool spins;           /* explain_spins() of a process */
	uint64_t duration_ns; /* from the first to the last failure */
	bool ended;           /* the process is gone: what is pending was given up */
	/* who made it so: set O_NONBLOCK or the timeout */
	int set_by_pid;     /* 0 unknown */
	bool set_by_shared; /* later, on the description that both have: not an ancestor's doing */
	const char *set_by_comm;
	/* who is on the other side, when it is known */
	int peer_pid; /* 0 unknown */
	const char *peer_comm;
	const char *peer_addr;    /* of TCP; NULL unknown */
	const char *peer_unknown; /* why; NULL: ask the facts */
	bool listener_known;
	int listener_pid;
	const char *listener_comm;
	uint32_t listener_backlog;
	bool listener_accepted;
	uint64_t listener_last_accept_age_ns;
	uint64_t listener_accepts, listener_accepting_ns; /* so many, from first to last */
	const char *holder_comm, *holder_cmdline;
	const char *holder_mode;    /* "exclusive", "shared"; NULL unknown */
	int holder_pid;             /* 0 unknown */
	bool holder_let_go;         /* told by its record: it does not hold it any more */
	int holder_taker;           /* took the lock and is gone: the holder inherited it; 0 none */
	uint64_t holder_runs_ns;    /* its age, 0 unknown */
	const char *holder_unknown; /* why */
	bool queue_known;
	uint32_t queue, backlog, somaxconn; /* somaxconn 0 unknown */
	bool now_known; /* the same, looked up after the failure */
	uint32_t now_queue, now_backlog;
	/* settings of this system, 0 unknown */
	uint32_t max_dgram_qlen, lease_break_s, port_first, port_last;
};

struct explanation {
	const char *cause;   /* a name of EXPLAIN_CAUSES; NULL unknown */
	const char *unknown; /* why the cause is unknown */
	enum severity severity;
	char sentence[EXPLAIN_SENTENCE];
	char why_unknown[256]; /* "queue: no fd was free": evidence that the cause wants; "" all */
	const char *advice;    /* NULL: the evidence supports none */
};

void explain(const struct explain_in *in, struct explanation *ret);
const char *explain_severity_name(enum severity s);

/* explain_advice.c: one table, a line only where its condition holds. */
const char *explain_advice(const char *cause, const struct explain_in *in, enum severity severity);
/* Its rows in order, for the test that has a case for each; NULL beyond the last. */
const char *explain_advice_row(unsigned i);

#endif

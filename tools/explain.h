/* SPDX-License-Identifier: MIT */
/*
 * explain.h - why a call failed with EAGAIN, from the facts that the shim took, and what the target
 * did then. Pure: data in, words out. Evidence that could not be had is unknown, never guessed.
 */
#ifndef TOOL_EXPLAIN_H
#define TOOL_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include "calls.h"
#include "record.h"

enum severity { SEVERITY_benign, SEVERITY_suspicious, SEVERITY_failure };

struct explain_in {
	uint16_t call;
	uint8_t kind;
	const char *target;               /* NULL unknown */
	const struct record_facts *facts; /* NULL none */
	uint64_t count, pending;
	uint64_t fate[FATE_COUNT];
	uint64_t waited_max_ns;
	uint64_t duration_ns; /* from the first to the last failure */
	bool ended;           /* the process is gone: what is pending was given up */
	/* who is on the other side, when it is known */
	int peer_pid; /* 0 unknown */
	const char *peer_comm;
	bool listener_known;
	int listener_pid;
	const char *listener_comm;
	uint32_t listener_backlog;
	bool listener_accepted;
	uint64_t listener_last_accept_age_ns;
	const char *holder_comm, *holder_cmdline;
	int holder_pid;             /* 0 unknown */
	const char *holder_unknown; /* why */
	bool queue_known;
	uint32_t queue, backlog, somaxconn; /* somaxconn 0 unknown */
};

struct explanation {
	const char *cause;   /* a name of the causes table; NULL unknown */
	const char *unknown; /* why the cause is unknown */
	enum severity severity;
	char sentence[512];
	const char *advice; /* NULL: the evidence supports none */
};

void explain(const struct explain_in *in, struct explanation *ret);
const char *explain_severity_name(enum severity s);

/* explain_advice.c: one table, a line only where its condition holds. */
const char *explain_advice(const char *cause, const struct explain_in *in, enum severity severity);

#endif

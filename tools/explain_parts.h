/* SPDX-License-Identifier: MIT */
/*
 * explain_parts.h - the pieces that sentences are made of, and the classes of calls that have a
 * file of their own. Each gives ret->cause and appends to ret->sentence.
 */
#ifndef TOOL_EXPLAIN_PARTS_H
#define TOOL_EXPLAIN_PARTS_H

#include "explain.h"

/* explain_words.c */
static inline bool explain_have(const struct explain_in *in, enum facts_bit bit)
{
	return in->facts && in->facts->have & 1u << bit;
}
void explain_cause(struct explanation *ret, enum explain_cause cause);
void explain_say(struct explanation *ret, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *explain_target(const struct explain_in *in);
/* " (O_NONBLOCK)", or the timeout that ran out, and who set it if that was somebody else. */
void explain_say_mode(struct explanation *ret, const struct explain_in *in);
/* "pid 7 (logd)" */
void explain_say_who(struct explanation *ret, int pid, const char *comm);
/* Why a fact of this group is not there. */
const char *explain_why(const struct explain_in *in, enum facts_why group);
/* " unknown (why)", and noted in why_unknown as `evidence`. */
void explain_say_unknown(struct explanation *ret, const char *evidence, const char *why);

/* explain_send.c */
void explain_send(const struct explain_in *in, struct explanation *ret);
/* explain_connect.c */
void explain_connect(const struct explain_in *in, struct explanation *ret);
/* explain_lock.c: locks and leases */
void explain_lock(const struct explain_in *in, struct explanation *ret);
void explain_open(const struct explain_in *in, struct explanation *ret);
/* explain_other.c: calls without an fd */
void explain_other(const struct explain_in *in, struct explanation *ret);
enum severity explain_other_severity(const struct explain_in *in);
/* Of a call that moves from fd to fd (splice): was it the one it reads from that was not ready? */
bool explain_moves_input(const struct explain_in *in);

#endif

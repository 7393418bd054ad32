/* SPDX-License-Identifier: MIT */
/*
 * rules.h - which rule acts on a call. Rules come from the session's "rules" file, which is
 * mapped and which `fdwhy ctl` changes while the process runs; or, without a session of `fdwhy
 * run`, from the file that FDWHY_RULES names; or from the C API.
 *
 * Matching is decision code on data: it never calls what it matches, never waits, allocates
 * nothing. What a rule then does is done in call_rules.c.
 */
#ifndef SHIM_RULES_H
#define SHIM_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include "ruleset.h"
#include "attrs.h"
#include "calls.h"
#include "stack.h"

/* The mapped file; zero without one. HOT paths read armed[] only: one load. */
extern HIDDEN struct rules_file rules_map;

static inline bool rules_armed(uint16_t call)
{
	return rules_map.armed[call] != 0;
}

/* What is dear to know of a call is asked for when a rule needs it, once. */
#define RULES_EXE 1u
#define RULES_TARGET 2u /* path, addr, addr_bytes */
#define RULES_STACK 4u  /* stack, pc, depth */

struct rules_in {
	uint16_t call;
	uint8_t kind; /* enum record_kind */
	uint32_t pid;
	uint64_t now_ns;  /* CLOCK_MONOTONIC, coarse */
	const char *comm; /* at most 16 bytes */
	const char *exe;
	const char *path; /* absolute; "" none */
	const struct sockaddr *addr;
	uint32_t addr_bytes;
	uint32_t stack; /* id in the record, 0 unknown */
	const uint64_t *pc;
	unsigned depth;
	unsigned looked;                                  /* RULES_* that are known */
	void (*look)(struct rules_in *in, unsigned what); /* finds them; NULL: all are known */
};

static inline void rules_need(struct rules_in *in, unsigned what)
{
	if (!in->look || in->looked & what)
		return;
	in->looked |= what;
	in->look(in, what);
}

/* A rule that acts now, copied: the map may change under us. */
struct rules_pick {
	struct rule rule;
	unsigned place;
};

/*
 * Count the call for each armed rule of `action`; the first that acts on it is copied to *ret.
 * false: none acts.
 */
bool rules_pick(struct rules_in *in, enum rule_action action, struct rules_pick *ret);

/* ---- questions without side effects ------------------------------------------------------------
 */

bool rules_glob(const char *pattern, const char *text);
/* All conditions but time, stack and counting. */
bool rules_match(const struct rule *r, struct rules_in *in);
/* when= and p= at the n-th match (from 1) of what `key` counts. */
bool rules_counted(const struct rule *r, uint64_t n, uint64_t key, uint64_t seed);
/* module=, function=, caller=, stack= against a stack. */
bool rules_stack_match(const struct rule *r, struct rules_in *in);
/* The same in every run: hashed from module names and offsets. 0 without a stack. */
uint64_t rules_stack_key(struct rules_in *in);

/* ---- life --------------------------------------------------------------------------------------
 */

/*
 * Map the session's rules, else parse the file `rules_file` (NULL none). 1, 0 when there are
 * none, or -errno with the reason, "FILE:LINE:COLUMN: what", in ret_why. Constructor only.
 */
int rules_start(const char *session, const char *rules_file, char *ret_why, size_t size);
/* Who this process is in the tree, the same in every run: its program and arguments. */
void rules_identify(const char *exe, int argc, char **argv);
/* Before a fork in the parent: its number; in the child afterwards: counts start again. */
uint64_t rules_forking(void);
void rules_forked(uint64_t number);

extern HIDDEN struct rule_counts *rules_counts; /* by place; never NULL */
void rules_add_count(uint64_t *counter, uint64_t n);

/*
 * For the C API: from now on rules are this process's alone. The ids of its own are above those of
 * any session, whose reports name rules by id.
 */
#define RULES_OWN_IDS 1000u
void rules_own(void);
/* Rules of this process alone. Id, 0 with the error explained; not signal-safe. */
uint32_t rules_add(const struct rule *r);
bool rules_remove(uint32_t id);
/* Place of a rule by its id; RULES_MAX when it is not there. */
unsigned rules_place(uint32_t id);

#endif

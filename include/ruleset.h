/* SPDX-License-Identifier: MIT */
/*
 * ruleset.h - the bytes of rules: what to do instead of, before or after a call that matches.
 *
 * `fdwhy run` makes two files in the session. "rules" belongs to who started the session; every
 * process maps it read-only, `fdwhy ctl` changes it. "rules.counts" is writable for every process
 * of the tree and holds numbers only: nobody can make rules for others through it.
 *
 * A rule is changed between two increments of its seq (odd: being written); armed[] is set after
 * the rule is whole and cleared before it goes. Times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef FDWHY_RULESET_H
#define FDWHY_RULESET_H

#include <stdint.h>

#define RULES_MAGIC "fdwhyrul"
#define RULES_VERSION 2u
#define RULES_MAX 63u
#define RULES_CALLS_MAX 512u /* calls.def has room to grow; armed[] does not move */
#define RULES_HITS 32768u    /* actions kept for a replay */

enum rule_action {
	RULE_none,
	RULE_inject, /* fail, fake, delay, shorten, signal */
	RULE_retry,  /* wait and call again after EAGAIN */
	RULE_ignore, /* do not record the EAGAIN */
	RULE_note,   /* record every call, also those that succeed: where does a program go? */
	RULE_ACTIONS
};

/* What `when` and `p` count: X(name) */
#define RULE_PERS(X) X(process) X(tree) X(site) X(thread)
enum rule_per {
#define X(n) PER_##n,
	RULE_PERS(X)
#undef X
		PER_COUNT
};

#define RULE_ERROR 1u     /* `error` is set */
#define RULE_RETVAL 2u    /* `retval` is set */
#define RULE_HALF 4u      /* short=half */
#define RULE_WHOLE 8u     /* retry: go on with a partial send until all is out */
#define RULE_TIMEOUTS 16u /* retry: also when the target's own SO_SNDTIMEO or SO_RCVTIMEO ran out */
#define RULE_REPLAY 32u   /* acts exactly at the saved hits, whatever `when` and `p` say */

struct rule {
	uint32_t seq;
	uint32_t id; /* of this session, from 1 */
	uint8_t action;
	uint8_t per;
	uint16_t flags;
	uint16_t error;
	uint16_t signo;
	uint64_t calls[RULES_CALLS_MAX / 64];
	uint64_t kinds; /* bit: enum record_kind; 0 = any */
	int64_t retval;
	uint64_t first, last, step; /* when: counts from 1; last UINT64_MAX: no end */
	uint64_t after_ns, until_ns; /* since the session began; until 0 = for ever */
	uint64_t delay_enter_ns, delay_exit_ns;
	uint64_t for_ns;               /* retry: longest wait of one call */
	uint64_t budget_ns, window_ns; /* retry: longest wait of one process in each window */
	uint64_t short_bytes;          /* 0 = not */
	uint64_t stack;                /* key of one stack; 0 = any */
	uint32_t pid;
	uint32_t p; /* chance in units of 2^-32; 0 = always */
	uint8_t family; /* 0 any, else AF_INET or AF_INET6 */
	uint8_t prefix;
	uint16_t port_first, port_last; /* 0, 0: any */
	uint8_t addr[16];
	uint8_t pad[2];
	/* Patterns, terminated; empty = any. */
	char path[256];
	char comm[16];
	char exe[96];
	char module[64];
	char function[64];
	char caller[64];
	char text[240]; /* as written, for reports */
};

/*
 * High bits: laid over the place of a slot (slots.h) they lead out of the array, so that a HOT path
 * tests once for both.
 */
#define RULES_ARMED(action) (1u << (24 + (action)))

struct rules_file {
	char magic[8];
	uint32_t version;
	uint32_t calls;      /* CALL_COUNT of the writer: another build does not fit */
	uint32_t generation; /* after every change */
	uint32_t last_id;
	uint64_t seed;
	uint64_t began_ns;
	uint32_t replay_count; /* hits in "rules.replay", sorted */
	uint32_t end;          /* rules[] from here on are free */
	/* RULES_ARMED() of each action armed for this call: the one thing a HOT path reads. */
	uint32_t armed[RULES_CALLS_MAX];
	uint8_t pad[2000];
	struct rule rules[RULES_MAX];
	uint8_t pad2[1024];
};

/* One action of a rule, at the count it acted. */
struct rule_hit {
	uint64_t key; /* of what was counted: process, thread or site; 0 for the tree */
	uint32_t rule;
	uint32_t count;
};

struct rule_counts {
	uint64_t matched; /* all conditions but `when` and `p`, tree-wide */
	uint64_t acted;
	uint64_t masked;    /* retries that succeeded */
	uint64_t gave_up;   /* retries that did not */
	uint64_t waited_ns; /* in retries and delays */
	uint64_t loop_ns;   /* of it, in threads that also wait in poll, select or epoll */
	uint64_t budget;    /* retries refused because the budget was spent */
	uint64_t tries;     /* waits of retries: few, or a wait was a busy loop */
};

struct rules_counts_file {
	struct rule_counts rule[RULES_MAX + 1]; /* by place in rules[] */
	uint64_t hits;                          /* ever; those beyond RULES_HITS are lost */
	uint8_t pad[4088];
	struct rule_hit hit[RULES_HITS];
};

_Static_assert(sizeof(struct rule) == 1024, "rule");
_Static_assert(sizeof(struct rules_file) == 4096 + 64 * 1024, "rules_file");
_Static_assert(sizeof(struct rules_counts_file) == 4096 + 4096 + RULES_HITS * 16, "rules_counts");

#endif

/* SPDX-License-Identifier: MIT */
/*
 * stack_rules.h - how to get from one frame to the next, packed into 64 bits, and a cache of them by
 * pc. The cache is lock-free: key and rule are combined so that a torn pair matches no pc.
 */
#ifndef SHIM_STACK_RULES_H
#define SHIM_STACK_RULES_H

#include <stdint.h>
#include "attrs.h"

enum stack_how {
	HOW_none,     /* no rule: code without unwind tables, or tables not understood */
	HOW_sp,	      /* CFA = sp + cfa */
	HOW_fp,	      /* CFA = fp + cfa */
	HOW_fp_deref, /* CFA = *(fp + cfa): a function that realigned its stack; fp saved at fp + fp */
	HOW_plt,      /* x86 PLT entry: CFA = sp + 8 + (in its second half ? 8 : 0) */
	HOW_signal,   /* the kernel's signal frame */
	HOW_end,      /* the outermost frame */
};

/*
 * Where the frame's values are, in units of 8 bytes from the CFA but for `cfa` itself; 0 says "not
 * saved". fp2 is doubled; odd, it counts from fp instead of the CFA (HOW_fp_deref).
 */
struct stack_rule {
	int64_t cfa : 24; /* bytes */
	int64_t fp2 : 18;
	int64_t ra8 : 18;
	uint64_t how : 4;
};

union stack_packed {
	struct stack_rule rule;
	uint64_t bits;
};
_Static_assert(sizeof(union stack_packed) == 8, "stack_rule");

struct stack_cached {
	uint64_t key; /* pc ^ bits ^ generation */
	uint64_t bits;
};
#define STACK_CACHE 1024u
extern struct stack_cached stack_cache[STACK_CACHE];
extern uint64_t stack_generation;

static inline struct stack_cached *stack_cache_place(uintptr_t pc)
{
	return &stack_cache[(pc ^ pc >> 10) & (STACK_CACHE - 1)];
}

/* COLD: read the tables and fill the cache. */
struct stack_rule stack_rule_read(uintptr_t pc);

static inline struct stack_rule stack_rule_find(uintptr_t pc)
{
	struct stack_cached *c = stack_cache_place(pc);
	uint64_t key = __atomic_load_n(&c->key, __ATOMIC_RELAXED);
	union stack_packed p = { .bits = __atomic_load_n(&c->bits, __ATOMIC_RELAXED) };

	if (likely((key ^ p.bits ^ stack_generation) == pc))
		return p.rule;
	return stack_rule_read(pc);
}

#endif

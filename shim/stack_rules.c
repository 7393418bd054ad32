/* SPDX-License-Identifier: MIT */
/*
 * stack_rules.c - the cache of stack_rules.h. A generation in the key makes all of it stale at once
 * when objects may have been unloaded.
 */
#include "stack.h"
#include "stack_cfi.h"
#include "stack_rules.h"

struct stack_cached stack_cache[STACK_CACHE];
uint64_t stack_generation = 1ull << 56; /* above every pc, so that an empty entry matches none */

COLD struct stack_rule stack_rule_read(uintptr_t pc)
{
	struct stack_cached *c = stack_cache_place(pc);
	uint64_t generation = __atomic_load_n(&stack_generation, __ATOMIC_ACQUIRE);
	union stack_packed p = { .rule = stack_cfi_rule(pc) };

	__atomic_store_n(&c->bits, p.bits, __ATOMIC_RELAXED);
	__atomic_store_n(&c->key, pc ^ p.bits ^ generation, __ATOMIC_RELAXED);
	return p.rule;
}

void stack_forget(void)
{
	__atomic_fetch_add(&stack_generation, 1ull << 56, __ATOMIC_RELEASE);
}

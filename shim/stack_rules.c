/* SPDX-License-Identifier: MIT */
/*
 * stack_rules.c - the cache of stack_rules.h. A generation in the ident makes all of it stale at
 * once when objects may have been unloaded.
 */
#include "stack_rules.h"
#include "stack.h"

struct stack_cached stack_cache[1u << RULES_PLACE_BITS];
uint64_t stack_rule_generation = RULES_GENERATION;
uint32_t stack_generation;

/* The first way if it is free or stale, else the second; when both are taken, by a bit of pc. */
static struct stack_cached *victim(uintptr_t pc, uint64_t generation)
{
	unsigned place = stack_rule_place(pc);

	for (unsigned way = 0; way <= RULES_SECOND; way += RULES_SECOND) {
		uint64_t a = __atomic_load_n(&stack_cache[place ^ way].a, __ATOMIC_RELAXED);

		if ((a >> RULES_PAYLOAD_BITS & -RULES_GENERATION) != generation)
			return &stack_cache[place ^ way];
	}
	return &stack_cache[place ^ (pc & 4 ? RULES_SECOND : 0)];
}

static void keep(uintptr_t pc, uint64_t generation, const struct stack_rule *rule)
{
	uint64_t ident = stack_rule_ident(pc, generation) << RULES_PAYLOAD_BITS;
	struct stack_cached *c;
	uint64_t a, b;

	if (rule->how == HOW_none || pc >> 48 || !regs_pack(rule, &a, &b))
		return;
	c = victim(pc, generation);
	__atomic_store_n(&c->a, ident | a, __ATOMIC_RELAXED);
	__atomic_store_n(&c->b, ident | b, __ATOMIC_RELAXED);
}

COLD struct stack_rule stack_rule_find(uintptr_t pc)
{
	/*
	 * Pairs with stack_forget(): tables read from here on are of this generation or a later
	 * one.
	 */
	uint64_t generation = __atomic_load_n(&stack_rule_generation, __ATOMIC_ACQUIRE);
	unsigned place = stack_rule_place(pc);
	struct stack_rule rule;
	uint64_t a, b;

	if (stack_rule_in(place, pc, &a, &b) || stack_rule_in(place ^ RULES_SECOND, pc, &a, &b))
		return regs_unpack(a, b);
	rule = stack_cfi_rule(pc);
	keep(pc, generation, &rule);
	return rule;
}

/* All 255 generations are used up: begin again with an empty cache. */
static void clear(void)
{
	for (unsigned i = 0; i < sizeof(stack_cache) / sizeof(stack_cache[0]); i++) {
		__atomic_store_n(&stack_cache[i].a, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&stack_cache[i].b, 0, __ATOMIC_RELAXED);
	}
}

void stack_forget(void)
{
	uint64_t now = __atomic_load_n(&stack_rule_generation, __ATOMIC_RELAXED), next;

	__atomic_fetch_add(&stack_generation, 1, __ATOMIC_RELEASE);
	do {
		next = (now + RULES_GENERATION) & (0xffull * RULES_GENERATION);
		next = next ? next : RULES_GENERATION;
	} while (!__atomic_compare_exchange_n(&stack_rule_generation, &now, next, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	if (next == RULES_GENERATION)
		clear();
}

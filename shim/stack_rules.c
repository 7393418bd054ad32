/* SPDX-License-Identifier: MIT */
/*
 * stack_rules.c - the cache of stack_rules.h. A generation in the ident makes all of it stale at
 * once when objects may have been unloaded.
 */
#include "stack_rules.h"
#include "stack.h"

#define ODD 128u

uint64_t stack_cache[1u << RULES_PLACE_BITS];
uint64_t stack_rule_generation = RULES_GENERATION;
uint32_t stack_generation;

/*
 * Rules that do not fit into a word of the cache, each once: big frames, signal frames, the ends.
 * Few, and true whatever is loaded: words name them by number. `how` is stored last.
 */
static struct stack_rule odd[ODD];
static uint32_t odd_used;

/* ---- odd rules ------------------------------------------------------------------------------- */

static bool same(const struct stack_rule *a, const struct stack_rule *b)
{
	return __atomic_load_n(&a->how, __ATOMIC_ACQUIRE) == b->how && a->cfa == b->cfa &&
	       a->fp == b->fp && a->ra == b->ra && a->fp_how == b->fp_how &&
	       a->ra_saved == b->ra_saved && a->from_fp == b->from_fp;
}

/* Its number, or ODD when there is no room. Two writers may both add it, which does no harm. */
static uint32_t odd_number(const struct stack_rule *rule)
{
	uint32_t i, used = __atomic_load_n(&odd_used, __ATOMIC_RELAXED);

	for (i = 0; i < used && i < ODD; i++)
		if (same(&odd[i], rule))
			return i;
	if (used >= ODD)
		return ODD;
	i = __atomic_fetch_add(&odd_used, 1, __ATOMIC_RELAXED);
	if (i >= ODD)
		return ODD;
	odd[i].cfa = rule->cfa;
	odd[i].fp = rule->fp;
	odd[i].ra = rule->ra;
	odd[i].fp_how = rule->fp_how;
	odd[i].ra_saved = rule->ra_saved;
	odd[i].from_fp = rule->from_fp;
	__atomic_store_n(&odd[i].how, rule->how, __ATOMIC_RELEASE); /* pairs with acquires */
	return i;
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool pack(const struct stack_rule *rule, uint64_t *ret)
{
	uint32_t number;

	if (rule->how == HOW_none)
		return false;
	if (regs_pack(rule, ret))
		return true;
	number = odd_number(rule);
	*ret = RULES_ODD + number;
	return number < ODD;
}

static struct stack_rule unpack(uint64_t x)
{
	struct stack_rule rule = {.how = HOW_none};

	if (x < RULES_ODD)
		return (struct stack_rule){.cfa = (int32_t)regs_cfa(x),
					   .fp = regs_fp_saved(x) ? (int32_t)regs_fp_at(x, 0) : 0,
					   .ra = (int32_t)regs_ra_at(x, 0),
					   .how = HOW_plain,
					   .fp_how = regs_fp_saved(x) ? FP_saved : FP_same,
					   .ra_saved = true,
					   .from_fp = (x & REGS_FROM_FP) != 0};
	if (x < RULES_ODD + ODD && __atomic_load_n(&odd[x - RULES_ODD].how, __ATOMIC_ACQUIRE))
		rule = odd[x - RULES_ODD];
	return rule;
}

/* The first way if it is free or stale, else the second; when both are taken, by a bit of pc. */
static uint64_t *victim(uintptr_t after, uint64_t generation)
{
	unsigned place = stack_rule_place(after);

	for (unsigned way = 0; way <= RULES_SECOND; way += RULES_SECOND) {
		uint64_t word = __atomic_load_n(&stack_cache[place ^ way], __ATOMIC_RELAXED);
		/* Its low bits of pc are those of `after`: only the generation is left. */
		uint64_t of = (word ^ (uint64_t)after << 16) & (0xffull * RULES_GENERATION);

		if (of != generation || !word)
			return &stack_cache[place ^ way];
	}
	return &stack_cache[place ^ (after & 4 ? RULES_SECOND : 0)];
}

COLD struct stack_rule stack_rule_find(uintptr_t pc)
{
	/*
	 * Pairs with stack_forget(): tables read from here on are of this generation or a later
	 * one.
	 */
	uint64_t generation = __atomic_load_n(&stack_rule_generation, __ATOMIC_ACQUIRE);
	uintptr_t after = pc + 1;
	struct stack_rule rule = {.how = HOW_none};
	uint64_t x;

	if (!stack_rule_possible(after))
		return rule;
	for (unsigned way = 0; way <= RULES_SECOND; way += RULES_SECOND) {
		x = stack_rule_in(stack_rule_place(after) ^ way, after, generation);
		if (x < RULES_ODD + ODD)
			return unpack(x);
	}
	rule = stack_cfi_rule(pc);
	if (pack(&rule, &x))
		__atomic_store_n(victim(after, generation), (uint64_t)after << 16 ^ generation ^ x,
				 __ATOMIC_RELAXED);
	return rule;
}

/* All 255 generations are used up: begin again with an empty cache. */
static void clear(void)
{
	for (unsigned i = 0; i < sizeof(stack_cache) / sizeof(stack_cache[0]); i++)
		__atomic_store_n(&stack_cache[i], 0, __ATOMIC_RELAXED);
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

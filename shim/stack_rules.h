/* SPDX-License-Identifier: MIT */
/*
 * stack_rules.h - a cache of unwind rules by pc, two ways, 16 KiB. Lock-free: each of an entry's
 * two words names pc and generation in full, so a pair from two writers matches nothing it should
 * not.
 *
 * Called by stack.c for each frame. "No rule" is not kept: a later dlopen may bring one.
 */
#ifndef SHIM_STACK_RULES_H
#define SHIM_STACK_RULES_H

#include <stdint.h>
#include "attrs.h"
#include "stack_arch.h"
#include "stack_cfi.h"

#define RULES_PLACE_BITS 10
#define RULES_PAYLOAD_BITS 17
/* Above the 39 bits of an ident that are pc's. */
#define RULES_GENERATION (1ull << 39)

struct stack_cached {
	uint64_t a, b; /* ident << RULES_PAYLOAD_BITS | half of a packed rule */
};
extern struct stack_cached stack_cache[1u << RULES_PLACE_BITS];
extern uint64_t stack_rule_generation; /* a multiple of RULES_GENERATION, 8 bits, never 0 */
extern uint32_t stack_generation;      /* counts stack_forget() */

/* The second way differs in the top bit. Place and ident together give pc back. */
#define RULES_SECOND (1u << (RULES_PLACE_BITS - 1))
static inline unsigned stack_rule_place(uintptr_t pc)
{
	return (unsigned)(pc ^ pc >> RULES_PLACE_BITS) & ((1u << RULES_PLACE_BITS) - 1);
}

static inline uint64_t stack_rule_ident(uintptr_t pc, uint64_t generation)
{
	return pc >> (RULES_PLACE_BITS - 1) | generation;
}

/* COLD: from any place, else from the tables, and kept. */
struct stack_rule stack_rule_find(uintptr_t pc);

static inline bool stack_rule_in(unsigned place, uintptr_t pc, uint64_t *ret_a, uint64_t *ret_b)
{
	const struct stack_cached *c = &stack_cache[place];
	uint64_t generation = __atomic_load_n(&stack_rule_generation, __ATOMIC_RELAXED);
	uint64_t ident = stack_rule_ident(pc, generation);

	*ret_a = __atomic_load_n(&c->a, __ATOMIC_RELAXED);
	*ret_b = __atomic_load_n(&c->b, __ATOMIC_RELAXED);
	return likely(*ret_a >> RULES_PAYLOAD_BITS == ident) &&
	       likely(*ret_b >> RULES_PAYLOAD_BITS == ident);
}

/* HOT: is the rule of pc in its first place (second: way is RULES_SECOND), and is it simple? */
static inline bool stack_rule_fast(uintptr_t pc, unsigned way, struct stack_rule *ret)
{
	uint64_t a, b;

	if (!stack_rule_in(stack_rule_place(pc) ^ way, pc, &a, &b) || unlikely(!regs_is_simple(b)))
		return false;
	*ret = regs_unpack_simple(a, b);
	return true;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * stack_rules.h - a cache of unwind rules by pc, two ways, 8 KiB: one word names pc and generation
 * in full and holds the rule, so that a walk loads one word a frame, and writers cannot tear one.
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
/*
 * A word: pc << 16 ^ generation (bits 17 to 24) ^ what is left, which is the rule. The low bits of
 * pc, which the generation covers, are known from the place.
 */
#define RULES_GENERATION (1ull << 17)
#define RULES_ODD (1u << 16) /* from here on: a number in the table of odd rules */
_Static_assert(REGS_SIMPLE_BITS <= 16, "a simple rule fits below RULES_ODD");
/* Code is not in the first page, and user addresses have 48 bits. */
#define RULES_PC_LOW 4096u
#define RULES_PC_END (1ull << 48)

extern uint64_t stack_cache[1u << RULES_PLACE_BITS];
extern uint64_t stack_rule_generation;   /* a multiple of RULES_GENERATION, 8 bits, never 0 */
extern HIDDEN uint32_t stack_generation; /* counts stack_forget() */

/* The second way differs in the top bit: both leave bits of pc away that the generation covers. */
#define RULES_SECOND (1u << (RULES_PLACE_BITS - 1))
_Static_assert(RULES_PLACE_BITS - 1 >= 24 - 16 + 1, "what the generation covers is known");
static inline unsigned stack_rule_place(uintptr_t after)
{
	return (unsigned)after & ((1u << RULES_PLACE_BITS) - 1);
}

static inline bool stack_rule_possible(uintptr_t after)
{
	return after - RULES_PC_LOW < RULES_PC_END - RULES_PC_LOW;
}

/* Below RULES_ODD: the rule of the instruction that ends before `after`, as arch/ packs it. */
static inline uint64_t stack_rule_in(unsigned place, uintptr_t after, uint64_t generation)
{
	uint64_t word = __atomic_load_n(&stack_cache[place], __ATOMIC_RELAXED);

	return word ^ generation ^ (uint64_t)after << 16;
}

/* COLD: from any place, else from the tables, and kept. */
struct stack_rule stack_rule_find(uintptr_t pc);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * stack_memo.h - the fastest layer: the id that a stack got when it was last unwound from the same
 * place, if nothing that the unwinder read has changed since.
 *
 * Called by call.c around stack_capture_reads(). An id must stay valid until stack_forget().
 */
#ifndef SHIM_STACK_MEMO_H
#define SHIM_STACK_MEMO_H

#include "stack.h"
#include "stack_walk.h"

/* The id given to stack_memo_put() for this very stack, 0 when there is none. */
uint32_t stack_memo_find(const struct stack_seed *seed);

/*
 * Is a stack that was not found to be kept? Always where there is room, else now and then: stacks
 * that come in turn, more than there is room for, would only push each other out.
 */
bool stack_memo_wants(const struct stack_seed *seed);

/*
 * The stack that stack_capture_reads() found from `seed`, with its read set, is `id`. Traces that
 * were lost are not kept.
 */
void stack_memo_put(const struct stack_seed *seed, uint32_t id, const struct stack_reads *reads);

#endif

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

struct stack_kept {
	uint32_t id;   /* as given to stack_memo_put(); 0: it is not known */
	uint32_t note; /* the latest stack_memo_note(), 0: none. Maybe of another stack: check it */
};

/* What is kept of this very stack. */
struct stack_kept stack_memo_find(struct stack_seed seed);
/* What the caller would like to be told with the stack `id` the next time. */
void stack_memo_note(const struct stack_seed *seed, uint32_t id, uint32_t note);

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

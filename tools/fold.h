/* SPDX-License-Identifier: MIT */
/*
 * fold.h - what is one cause is one finding: places that the compiler made several of, and places
 * that are reached in several ways.
 */
#ifndef TOOL_FOLD_H
#define TOOL_FOLD_H

#include "model.h"
#include "symbols.h"

/*
 * Birth sites of the same call whose stacks differ in one frame only, and there not in function and
 * line (an unrolled loop, a cloned tail), become one; then all are judged again. Symbolises only
 * the frames in question. Then those that leak together, see fold_ways.c.
 */
void fold_fds(struct model *m, struct symbols *s);

#endif

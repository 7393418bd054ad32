/* SPDX-License-Identifier: MIT */
/* fold_parts.h - what fold.c and fold_ways.c share. */
#ifndef TOOL_FOLD_PARTS_H
#define TOOL_FOLD_PARTS_H

#include "model.h"

/* The numbers of `from`, and its history, added to those of `to`. */
void fold_numbers(const struct model *m, struct model_fds *to, const struct model_fds *from);
/* Each i goes into into[i], an earlier one that stays; MODEL_NONE: stays. */
void fold_squeeze(struct model *m, const uint32_t *into);
/* `into` is room for all. */
void fold_ways(struct model *m, uint32_t *into);

#endif

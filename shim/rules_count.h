/* SPDX-License-Identifier: MIT */
/* rules_count.h - what only rules.c asks of rules_count.c. */
#ifndef SHIM_RULES_COUNT_H
#define SHIM_RULES_COUNT_H

#include "rules.h"

/* All other conditions of the rule at `place` hold: count it. Does it act this time? */
bool rules_count(const struct rule *r, unsigned place, struct rules_in *in);

/* A new rule is at `place`: none of what the one before counted is its. */
void rules_count_from_zero(unsigned place);
/* Counts of the session stay there as they are; this process goes on with a copy of its own. */
void rules_count_alone(void);

/* The files of the session, mapped by rules_load.c; NULL without. */
extern HIDDEN struct rules_counts_file *rules_counts_file;
extern HIDDEN const struct rule_hit *rules_replay;

#endif

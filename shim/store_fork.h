/* SPDX-License-Identifier: MIT */
/*
 * store_fork.h - what of a record a fork child starts with. Used by store_fork.c and store_spare.c.
 */
#ifndef SHIM_STORE_FORK_H
#define SHIM_STORE_FORK_H

#include <stdint.h>
#include "attrs.h"
#include "record.h"

/* Of one item of each part; 1 in the arenas. */
extern HIDDEN const uint16_t store_item_bytes[PART_COUNT];
/* Bytes of a part that the child needs. Its events and facts are its own. */
uint64_t store_live_bytes(const struct record_header *h, unsigned id);
/* In a copy of the parent's header: what the parent counted is the parent's. */
void store_fork_reset(struct record_header *h);

#endif

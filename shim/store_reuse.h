/* SPDX-License-Identifier: MIT */
/*
 * store_reuse.h - the record of a program that starts: one that a program which ended in order had,
 * and had nothing to say in. There is one such file for each user in a session
 * ("spare.0.<uid>.rec", a spare of no parent); whoever starts first takes it by its name, and
 * whoever ends gives its own back when there is none. So a quiet program makes, sizes, fills and
 * removes no file.
 */
#ifndef SHIM_STORE_REUSE_H
#define SHIM_STORE_REUSE_H

#include <stdint.h>
#include "record.h"

/*
 * The record that waits, if it has as much room as `h`, is named `<h->pid>.rec`, mapped at
 * *ret_base and clean; h is laid out as it is. 0, or -errno: there is none (-EEXIST: there is a
 * `<pid>.rec`), or it is of no use, and is in the way of who makes one of that name, as any other
 * record.
 */
int store_reuse_take(const char *session, struct record_header *h, uint8_t **ret_base);
/* A new record can be left to others, too. */
void store_reuse_allow(struct record_header *h);

#endif

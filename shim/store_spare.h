/* SPDX-License-Identifier: MIT */
/*
 * store_spare.h - the record that a process keeps ready for its next fork child: a file of its own,
 * mapped, made before the fork and given back when the child has nothing to say. So a fork that
 * leads to nothing makes and removes no file; its line of totals waits in the spare.
 *
 * One thread at a time prepares (slots_fork.c sees to that). Everything here may fail; the child
 * then makes a file as store_fork.c does.
 */
#ifndef SHIM_STORE_SPARE_H
#define SHIM_STORE_SPARE_H

#include <stdbool.h>
#include "record.h"
#include "store.h"

/*
 * Parent, before a fork by this thread: the child's record but for its slots, which the caller puts
 * there, and its names and times. NULL: there is none. *ret_stale_slots: so many bytes of slots are
 * of a child before.
 */
struct record_header *store_spare_prepare(const char *session, uint64_t *ret_stale_slots);
/* Parent: the fork that it was prepared for is over, and whether there is a child. */
void store_spare_forked(bool child);
/* Child: it will take what was prepared. */
bool store_spare_waits(const struct store_fork *f);
/* Under a seccomp filter no child may: it would be a system call of ours. */
void store_spare_forbid(bool forbidden);
/*
 * Child: takes what was prepared for it, and leaves the parent's mapping. Whether or not it can,
 * the parent's spare is the parent's alone from here on.
 */
bool store_spare_take(const struct store_fork *f);
/*
 * No fork will follow in this program: what waits in the spare goes to the totals, with `total`
 * (NULL: none). true: `total` is there.
 */
bool store_spare_drop(const char *session, const struct record_total *total);
/* Our own record is a spare: back to the parent with it. false: not one, or it cannot. */
bool store_spare_return(const char *session, const struct record_total *total);
/* Removes our own record, whatever its name is. 0 or -errno. */
int store_spare_unlink(const char *session);
/* Before an exec: the next image looks for "<pid>.rec". */
void store_spare_rename(const char *session);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * child.h - the first steps of a process: the fds that it already has, and the record of its own
 * that a fork child needs. Called by the constructor, the fork wrapper, and by call_ready() in a
 * child that a raw clone() made.
 */
#ifndef SHIM_CHILD_H
#define SHIM_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "stack.h"
#include "store.h"

/*
 * Around a fork: what the child starts with is made ready, and then the record of the child, or
 * the rest of it in the parent. `seed`: of who calls fork().
 */
void child_forking(struct store_fork *f, const struct stack_seed *seed);
void child_forked(const struct store_fork *f, pid_t child);
/* The record of a child that something else made and that has none. Elsewhere nothing. */
void child_begin(void);

/*
 * Hold the slots against the kernel's table: fds that are not open any more are lost, fds without a
 * slot are found. `first` image of the process: what is there was inherited, not missed.
 */
void child_reconcile(bool first);
/* The same while the process runs: what was closed and, without threads, opened unseen. */
void child_look(void);
/* What an open fd is, by asking the kernel. */
uint8_t child_kind(int fd);
/* The path that an open fd has, as a string of the record; 0 when it has none. */
uint32_t child_name(int fd);
/* The orderly end: exit() or _exit(). */
void child_end(int status);

#endif

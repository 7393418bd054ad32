/* SPDX-License-Identifier: MIT */
/*
 * call.h - the one way from a wrapper into the shim: what happens after a real call.
 *
 * Every function here is COLD, async-signal-safe, leaves errno as it found it, and does nothing in
 * a vfork child, before the shim is ready or after it was switched off. Wrappers contain no
 * decisions: they say what was called, with what, and how it ended.
 */
#ifndef SHIM_CALL_H
#define SHIM_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "calls.h"
#include "record.h"
#include "slots.h"
#include "stack.h"

/* The caller of the wrapper that this is expanded in. */
#define CALL_SEED                                                           \
	(&(const struct stack_seed){(uintptr_t)__builtin_return_address(0), \
				    (uintptr_t)__builtin_dwarf_cfa()})

/* What was asked for; unused members are 0, `fd` -1. */
struct call_what {
	uint16_t call;
	int fd;
	int flags; /* MSG_*, O_* */
	size_t bytes;
	const void *addr; /* struct sockaddr */
	uint32_t addr_bytes;
	int at;           /* directory fd of `path` */
	const char *path; /* read only after the kernel accepted it, or said EAGAIN */
	int lock_cmd;
	const void *lock; /* struct flock */
};

/* May anything be recorded here and now? Starts the record of a fork child that has none yet. */
bool call_ready(void);

/* A call of a CALL_IO row that failed, or that slots_use() sent here. Returns r. */
ssize_t call_io(uint16_t call, int fd, ssize_t r, size_t bytes, int flags,
		const struct stack_seed *seed);
/* Any other call failed with errno. */
void call_failed(const struct call_what *w, const struct stack_seed *seed);
/* A call on `fd` succeeded that slots_use() did not count. */
void call_used(int fd);
/* `fd` is new. */
void call_birth(const struct call_what *w, int fd, enum record_kind kind, uint32_t slot_flags,
		const struct stack_seed *seed);
/* `to` now is another name of `from` (dup family, SCM_RIGHTS has its own). */
void call_dup(uint16_t call, int from, int to, uint32_t slot_flags, const struct stack_seed *seed);
/* Before a real close of fd; what it returns goes to call_closed() after it. */
uint32_t call_closing(int fd);
void call_closed(int fd, uint32_t seq, int r, const struct stack_seed *seed);
/* Before and after closing many at once. */
void call_close_range(unsigned first, unsigned last, const struct stack_seed *seed);
/* O_NONBLOCK, a timeout or the backlog of fd was set. */
void call_mode(int fd, uint32_t set, uint32_t clear, uint32_t value, const struct stack_seed *seed);
/* fd listens now: noted as a site, which outlives the fd. */
void call_listening(int fd, uint32_t backlog, const struct stack_seed *seed);
/* fd got an address: connected to or bound to. */
void call_address(int fd, const void *addr, uint32_t bytes, uint32_t set);

enum record_kind call_socket_kind(int domain, int type);
/* The stack of `seed` in the record; 0 when not recorded. */
uint32_t call_stack(const struct stack_seed *seed);

/* ---- call_fate.c: what became of an EAGAIN ------------------------------------------------------
 */

void call_fate_failed(struct record_slot *s, uint32_t site, uint64_t now_ns);
void call_fate_succeeded(struct record_slot *s, uint64_t now_ns);
void call_fate_closed(struct record_slot *s);

/* ---- call_misuse.c ------------------------------------------------------------------------------
 */

/* EBADF on a number that was open before. `what->call` is the failing call. */
void call_misuse(const struct call_what *w, const struct stack_seed *seed);

#endif

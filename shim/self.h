/* SPDX-License-Identifier: MIT */
/*
 * self.h - what the shim must know of the process and thread it is a guest in: is it ready here, is
 * this a fork child that has no record yet, a vfork child that shares its parent's memory, a
 * process under a seccomp filter; and the clock.
 *
 * self_gate lies on a page of its own that the kernel wipes in a fork child (MADV_WIPEONFORK), so
 * that even a child made by a raw clone() is noticed at its first interposed call.
 */
#ifndef SHIM_SELF_H
#define SHIM_SELF_H

#include <stdbool.h>
#include <stdint.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#else /* glibc before 2.32 does not say: never alone */
#define __libc_single_threaded 0
#endif
#include <errno.h>
#include <time.h>
#include "attrs.h"
#include "count.h"
#include "sysc.h"

enum self_state {
	SELF_new,      /* not started here: before the constructor, or a fork child */
	SELF_starting, /* record being made; wrappers pass through */
	SELF_ready,
	SELF_off, /* nothing is recorded any more */
};

struct self_gate {
	uint32_t state;       /* enum self_state */
	uint32_t slots_below; /* fds below have a slot ready to use */
	uint32_t places_end;  /* the same as places (slots.h); 0 sends every call out of line */
	uint32_t seccomp;     /* a filter is installed: no system call of our own */
	uint32_t pid;
	/* What a parent writes at a fork, here, where the page stays its own: no copy is made. */
	_Alignas(64) uint32_t forking; /* a thread has the slots copied: slots_fork.c */
	uint32_t spare_busy;           /* or prepares or drops the spare: store_spare.c */
	uint64_t forks;                /* rules_count.c */
	uint64_t shared_until_ns;      /* fds born before a child has, too: call_modes.c */
};

union self_page {
	struct self_gate gate;
	uint8_t page[4096];
};
extern HIDDEN union self_page self_page;
#define self_gate (self_page.gate)

extern HIDDEN bool self_began; /* survives fork: the constructor of this image has run */
extern HIDDEN THREAD uint32_t self_vfork_depth; /* > 0: this is, or waits for, a vfork child */
extern HIDDEN THREAD uint32_t self_waits;       /* poll, select, epoll_wait calls of this thread */
extern HIDDEN THREAD uint32_t self_tid_cache;

/* Fds below `fds` have a slot ready to use. */
static inline void self_slots(uint32_t fds)
{
	__atomic_store_n(&self_gate.slots_below, fds, __ATOMIC_RELAXED);
	__atomic_store_n(&self_gate.places_end, fds * 8, __ATOMIC_RELAXED);
}

static inline bool self_vforked(void)
{
	return self_vfork_depth != 0;
}

/* The kernel's own (real.c), so that times are true where the target's are faked; else libc's. */
extern HIDDEN __typeof__(&clock_gettime) self_clock_gettime;

/* CLOCK_MONOTONIC at the resolution of the tick (1-4 ms): 3 ns instead of 24. */
static inline uint64_t self_now_coarse(void)
{
	struct timespec t;

	self_clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t self_clock(clockid_t clock)
{
	struct timespec t;

	self_clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The same by a system call: for a start, to which the clock's pages are two faults more. */
static inline uint64_t self_clock_asked(clockid_t clock)
{
	struct timespec t = {0, 0};

	if (unlikely(self_gate.seccomp))
		return self_clock(clock);
	sysc(SYS_clock_gettime, clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint32_t self_tid_ask(void);
/* 0 when it would take a system call under a seccomp filter. */
static inline uint32_t self_tid(void)
{
	return likely(self_tid_cache) ? self_tid_cache : self_tid_ask();
}
/* Make self_page wipe itself in fork children; called once from the constructor. */
void self_init(void);
/* In a fork child: forget what belonged to the parent's thread. */
void self_forked(void);
/* errno for the assembly vfork; returns -1. */
long self_vfork_failed(long neg_errno);

/*
 * Can the 8 bytes at `at`, which lie in one page, be read? EFAULT comes before the nonsensical
 * `how` is noticed; otherwise EINVAL, and nothing changes. At 0 it would be "no set", which is no
 * fault.
 */
static inline bool self_readable(uintptr_t at)
{
	return at && !self_gate.seccomp && sysc(SYS_rt_sigprocmask, -1, at, 0, 8) != -EFAULT;
}

/* Add to a counter that several threads may change: with a lock only where there are threads. */
static inline void self_add64(uint64_t *counter, uint64_t n)
{
	count_shared64(__libc_single_threaded, counter, n);
}

/* One more; what it was before. */
static inline uint64_t self_take64(uint64_t *counter)
{
	return count_shared_next64(__libc_single_threaded, counter);
}

static inline void self_or32(uint32_t *word, uint32_t bits)
{
	if (__libc_single_threaded)
		count_or32(word, bits);
	else
		__atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
}

static inline void self_and32(uint32_t *word, uint32_t bits)
{
	if (__libc_single_threaded)
		count_and32(word, bits);
	else
		__atomic_fetch_and(word, bits, __ATOMIC_RELAXED);
}

static inline void self_add32(uint32_t *counter, uint32_t n)
{
	count_shared32(__libc_single_threaded, counter, n);
}

#endif

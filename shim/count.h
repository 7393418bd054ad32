/* SPDX-License-Identifier: MIT */
/*
 * count.h - counters in one instruction, so that a signal handler which counts as well cannot get
 * in between: of `*counter += n` compilers make three where they see fit. Without a lock: two
 * threads at one counter may lose a count.
 */
#ifndef SHIM_COUNT_H
#define SHIM_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
static inline void count_add64(uint64_t *counter, uint64_t n)
{
	__asm__("addq %1, %0" : "+m"(*counter) : "er"(n));
}

static inline void count_add32(uint32_t *counter, uint32_t n)
{
	__asm__("addl %1, %0" : "+m"(*counter) : "ir"(n));
}

/* One more; what it was before. */
static inline uint64_t count_next64(uint64_t *counter)
{
	uint64_t n = 1;

	__asm__("xaddq %0, %1" : "+r"(n), "+m"(*counter));
	return n;
}

static inline void count_or32(uint32_t *word, uint32_t bits)
{
	__asm__("orl %1, %0" : "+m"(*word) : "ir"(bits));
}

static inline void count_and32(uint32_t *word, uint32_t bits)
{
	__asm__("andl %1, %0" : "+m"(*word) : "ir"(bits));
}

/* One more; is the sign, which is a flag of the counter's owner, set? */
static inline bool count_up_is_negative(uint32_t *counter)
{
	bool negative;

	__asm__("addl $1, %0" : "+m"(*counter), "=@ccs"(negative));
	return negative;
}
#else /* a loop until nothing got in between; the price is paid on these machines only */
static inline void count_add64(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static inline void count_add32(uint32_t *counter, uint32_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static inline uint64_t count_next64(uint64_t *counter)
{
	return __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static inline void count_or32(uint32_t *word, uint32_t bits)
{
	__atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
}

static inline void count_and32(uint32_t *word, uint32_t bits)
{
	__atomic_fetch_and(word, bits, __ATOMIC_RELAXED);
}

static inline bool count_up_is_negative(uint32_t *counter)
{
	return (int32_t)__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED) < 0;
}
#endif

/*
 * The same of a counter that several threads may change. `alone`: there is no other; a constant to
 * the compiler, or asked once for many.
 */
static inline void count_shared64(bool alone, uint64_t *counter, uint64_t n)
{
	if (alone)
		count_add64(counter, n);
	else
		__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static inline void count_shared32(bool alone, uint32_t *counter, uint32_t n)
{
	if (alone)
		count_add32(counter, n);
	else
		__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static inline uint64_t count_shared_next64(bool alone, uint64_t *counter)
{
	return alone ? count_next64(counter) : __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

#endif

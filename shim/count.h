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
#else /* as near to it as C comes */
static inline void count_add64(uint64_t *counter, uint64_t n)
{
	*(volatile uint64_t *)counter += n;
}

static inline void count_add32(uint32_t *counter, uint32_t n)
{
	*(volatile uint32_t *)counter += n;
}

static inline void count_or32(uint32_t *word, uint32_t bits)
{
	*(volatile uint32_t *)word |= bits;
}

static inline void count_and32(uint32_t *word, uint32_t bits)
{
	*(volatile uint32_t *)word &= bits;
}

static inline bool count_up_is_negative(uint32_t *counter)
{
	*counter += 1;
	return (int32_t)*counter < 0;
}
#endif

#endif

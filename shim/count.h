/* SPDX-License-Identifier: MIT */
/*
 * count.h - a counter that has a flag in its sign. Counted and asked in one instruction, so that a
 * signal handler cannot tear it; without a lock, so that two threads at one counter may lose a
 * count. For slots.h.
 */
#ifndef SHIM_COUNT_H
#define SHIM_COUNT_H

#include <stdbool.h>
#include <stdint.h>
#include "attrs.h"

#if defined(__x86_64__)
static INLINED bool count_up_is_negative(uint32_t *counter)
{
	bool negative;

	__asm__("addl $1, %0" : "+m"(*counter), "=@ccs"(negative));
	return negative;
}

static INLINED void count_down(uint32_t *counter)
{
	__asm__("subl $1, %0" : "+m"(*counter));
}
#else
static INLINED bool count_up_is_negative(uint32_t *counter)
{
	return (int32_t)++ * counter < 0;
}

static INLINED void count_down(uint32_t *counter)
{
	--*counter;
}
#endif

#endif

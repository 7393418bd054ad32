/* SPDX-License-Identifier: MIT */
/* stack_bits.h - signed fields of a word, for the packed rules of arch/. */
#ifndef SHIM_STACK_BITS_H
#define SHIM_STACK_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* Is v a multiple of `unit` that a field of `bits` bits can hold? */
static inline bool bits_fit(int64_t v, int64_t unit, unsigned bits)
{
	return v % unit == 0 && v / unit >= -(1ll << (bits - 1)) && v / unit < 1ll << (bits - 1);
}

static inline uint64_t bits_put(int64_t v, unsigned at, unsigned bits)
{
	return ((uint64_t)v & ((1ull << bits) - 1)) << at;
}

static inline int64_t bits_get(uint64_t word, unsigned at, unsigned bits)
{
	return (int64_t)(word << (64 - at - bits)) >> (64 - bits);
}

static inline unsigned bits_get_unsigned(uint64_t word, unsigned at, unsigned bits)
{
	return (unsigned)(word >> at) & ((1u << bits) - 1);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * stack_steps.h - random ways to a place, by a dice that repeats itself: each step is a call that
 * goes on in walk(), which the test has. Included after stack_scenes.h.
 */
#ifndef STACK_STEPS_H
#define STACK_STEPS_H

#include "stack_scenes.h"

static __thread uint64_t dice;          /* of the way that is gone */
static __thread volatile unsigned left; /* steps of it */

static unsigned roll(unsigned sides)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice >> 33) % sides;
}

/* The next of `chance` is one of few ways, so that most come again. */
static void set_out(uint64_t *chance, unsigned ways)
{
	*chance = *chance * 6364136223846793005u + 1442695040888963407u;
	dice = (*chance >> 40) % ways * 0x9e3779b97f4a7c15u;
}

/* What the record would call a stack. */
static uint32_t id_of(const uint64_t *pc, unsigned n)
{
	uint64_t h = 14695981039346656037u;

	for (unsigned i = 0; i < n; i++)
		h = (h ^ pc[i]) * 1099511628211u;
	return (uint32_t)(h >> 32) | 1;
}

static void walk(void);

/* The same frame, other code: they differ in their return addresses only. */
#define TWIN(name)                      \
	static NOINLINE void name(void) \
	{                               \
		volatile int room = 1;  \
                                        \
		walk();                 \
		room++;                 \
		AFTER();                \
	}
TWIN(twin_a)
TWIN(twin_b)
TWIN(twin_c)
TWIN(twin_d)

/* Leaves old return addresses in its room, and needs the frame pointer. */
static NOINLINE void roomy(void)
{
	volatile char *room = alloca(roll(4) * 16 + 16);

	room[0] = 1;
	walk();
	AFTER();
	room[0]++;
}

static NOINLINE void aligned(void)
{
	_Alignas(64) volatile char room[64];

	room[left & 63] = 1;
	walk();
	AFTER();
	room[0]++;
}

static NOINLINE int sorter(const void *a, const void *b)
{
	(void)a;
	(void)b;
	walk();
	AFTER();
	return 0;
}

static NOINLINE void by_callback(void)
{
	char two[2] = {1, 2};

	qsort(two, 2, 1, sorter);
	AFTER();
}

#endif

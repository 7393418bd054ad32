/* SPDX-License-Identifier: MIT */
/*
 * stack_bench.c - what a trace costs, by depth: rule cache, memo, glibc's backtrace(). Prints ns;
 * under callgrind, with a number of rounds, the difference of two runs is instructions.
 *
 *	stack_bench [ROUNDS [rules|memo|glibc DEPTH]]
 * Link with the shim's objects: cc -O2 -Iinclude -Ishim -D_GNU_SOURCE tests/bench/stack_bench.c
 * O/shim.a
 */
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "stack_memo.h"

#define NOINLINE __attribute__((noinline))
#define AFTER() __asm__ volatile("" ::: "memory")
#define DEEP 128
#define OUTER 4 /* frames from main outwards, and the one that measures */

static long rounds = 200000;
static const char *how;
static unsigned frames;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* As call.c does. */
static NOINLINE uint32_t by_memo(const struct stack_seed *seed)
{
	uint64_t pc[DEEP];
	struct stack_reads reads;
	struct stack_end end;
	uint32_t id = stack_memo_find(*seed).id;

	if (id)
		return id;
	frames = stack_capture_reads(seed, pc, DEEP, &end, &reads);
	stack_memo_put(seed, 1, &reads);
	return 0;
}

static NOINLINE uint32_t by_rules(const struct stack_seed *seed)
{
	uint64_t pc[DEEP];
	unsigned flags;

	frames = stack_capture(seed, pc, DEEP, &flags);
	return 1;
}

static NOINLINE uint32_t by_glibc(const struct stack_seed *seed)
{
	void *pc[DEEP];

	(void)seed;
	backtrace(pc, DEEP);
	return 1;
}

static NOINLINE void measure(void)
{
	static const struct {
		const char *name;
		uint32_t (*run)(const struct stack_seed *);
	} ways[] = { { "rules", by_rules }, { "memo", by_memo }, { "glibc", by_glibc } };
	const struct stack_seed seed = { (uintptr_t)__builtin_return_address(0),
					 (uintptr_t)__builtin_dwarf_cfa() };

	for (unsigned i = 0; i < 3; i++) {
		double start;
		long hits = 0;

		if (how && strcmp(how, ways[i].name))
			continue;
		ways[i].run(&seed);
		start = now_ns();
		for (long n = 0; n < rounds; n++)
			hits += ways[i].run(&seed);
		printf("%-5s %3u frames %8.1f ns%s\n", ways[i].name, frames,
		       (now_ns() - start) / (double)rounds, hits == rounds ? "" : " (missed)");
	}
	AFTER();
}

static int descend(unsigned depth);

#define LEVEL(name, bytes)                        \
	static NOINLINE int name(unsigned depth)  \
	{                                         \
		volatile char room[bytes];        \
		int r;                            \
						  \
		room[0] = 1;                      \
		r = descend(depth);               \
		AFTER();                          \
		return r + room[0];               \
	}
LEVEL(level_a, 8)
LEVEL(level_b, 40)
LEVEL(level_c, 200)
LEVEL(level_d, 24)

static NOINLINE int descend(unsigned depth)
{
	static int (*const next[])(unsigned) = { level_a, level_b, level_c, level_d };
	int r = 0;

	if (depth <= 1)
		measure();
	else
		r = next[depth / 2 & 3](depth - 2);
	AFTER();
	return r;
}

int main(int argc, char **argv)
{
	static const unsigned depths[] = { 10, 20, 40 };
	void *unused[2];

	rounds = argc > 1 ? atol(argv[1]) : rounds;
	how = argc > 2 ? argv[2] : NULL;
	backtrace(unused, 2);
	stack_warm_up();
	if (argc > 3)
		return descend((unsigned)atoi(argv[3]) - OUTER) < 0;
	for (unsigned i = 0; i < 3; i++)
		descend(depths[i] - OUTER);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* stack_asserts.h - what the tests of the unwinder assert of a look() of stack_scenes.h. */
#ifndef STACK_ASSERTS_H
#define STACK_ASSERTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "stack_scenes.h"

static inline int set_up(void **state)
{
	void *unused[4];

	(void)state;
	backtrace(unused, 4); /* loads libgcc */
	stack_warm_up();
	return 0;
}

/* What stack_libunwind.c says it cannot do. The cache of rules is there only without it. */
extern char stack_cache __attribute__((weak));

static inline void need_own_unwinder(void)
{
	if (&stack_cache)
		return;
	print_message("skip: a limit of libunwind\n");
	skip();
}

static inline void assert_agrees(unsigned at_least)
{
	int at = first_difference();

	if (at >= 0)
		fail_msg("frame %d of %u: %#lx, glibc %p of %d", at, seen.n,
			 at < (int)seen.n ? (unsigned long)seen.pc[at] : 0,
			 at < seen.oracle_n ? seen.oracle[at] : NULL, seen.oracle_n);
	assert_true(seen.n >= at_least);
	assert_int_equal(seen.flags, 0);
}

#endif

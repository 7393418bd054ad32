/* SPDX-License-Identifier: MIT */
/*
 * test_stack_find.c - an executable with gaps between its segments: libc's finder then tells of the
 * segment that holds pc only, and the unwind tables lie outside of it.
 */
#define _dl_find_object narrow_finder
#include "../../shim/stack_cfi.c"
#undef _dl_find_object
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include "stack_scenes.h"

static int (*real_finder)(void *, struct dl_find_object *);
static unsigned asked;

int narrow_finder(void *pc, struct dl_find_object *ret)
{
	int r = real_finder(pc, ret);

	asked++;
	ret->dlfo_map_start = (void *)((uintptr_t)pc & ~4095ul);
	ret->dlfo_map_end = (void *)(((uintptr_t)pc & ~4095ul) + 4096);
	return r;
}

static void tables_outside_of_the_segment_of_pc_are_read(void **state)
{
	(void)state;
	for (int depth = 0; depth < 20; depth++) {
		stack_forget();
		descend(depth, look_both);
		assert_int_equal(first_difference(), -1);
		assert_int_equal(seen.flags, 0);
	}
	assert_true(asked > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_outside_of_the_segment_of_pc_are_read),
	};

	*(void **)&real_finder = dlsym(RTLD_DEFAULT, "_dl_find_object");
	if (!real_finder) {
		puts("skip: libc has no _dl_find_object");
		return 0;
	}
	stack_warm_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

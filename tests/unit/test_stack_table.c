/* SPDX-License-Identifier: MIT */
/*
 * test_stack_table.c - the unwinder where libc has no _dl_find_object: objects are listed at start,
 * what is loaded later is where a trace is lost.
 */
#define _dl_find_object no_such_finder /* weak, and nowhere defined */
#include "../../shim/stack_cfi.c"
#undef _dl_find_object
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include "stack_scenes.h"

static void objects_listed_at_start_are_unwound(void **state)
{
	(void)state;
	assert_false(have_finder());
	assert_true(table_used >= 3);
	for (int depth = 0; depth < 40; depth++) {
		descend(depth, look_both);
		assert_int_equal(first_difference(), -1);
		assert_int_equal(seen.flags, 0);
	}
	scene_qsort(look_both);
	assert_int_equal(first_difference(), -1);
}

static void an_object_loaded_later_is_where_the_trace_is_lost(void **state)
{
	void (*other_qsort)(void *, size_t, size_t, int (*)(const void *, const void *));
	void *module = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
	char letters[] = "stack";

	(void)state;
	if (!module) {
		print_message("skip: %s\n", dlerror());
		skip();
	}
	*(void **)&other_qsort = dlsym(module, "qsort");
	callback_end = look;
	other_qsort(letters, 5, 1, compare);
	assert_int_equal(seen.flags, STACK_LOST);
	assert_int_equal(seen.n, 2);
	stack_warm_up(); /* lists again */
	dlclose(module);
	stack_forget();
	objects_listed_at_start_are_unwound(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_listed_at_start_are_unwound),
		cmocka_unit_test(an_object_loaded_later_is_where_the_trace_is_lost),
	};

	stack_warm_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_stack_reach.c - which pages the unwinder may read: a bad frame must not crash the target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>
#include "stack.h"
#include "sysc.h"
#include "stack_reach.h"

static uintptr_t page_of(const void *p)
{
	return (uintptr_t)p & -(uintptr_t)REACH_PAGE;
}

static void the_kernel_says_what_can_be_read(void **state)
{
	char here = 0,
	     *gone = mmap(NULL, REACH_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(self_readable(page_of(&here)));
	assert_false(self_readable(page_of(gone)));
	assert_int_equal(munmap(gone, REACH_PAGE), 0);
	assert_false(self_readable(page_of(gone)));
}

/* Asked of address 0 the kernel thinks that there is nothing to read, and finds no fault. */
static void the_first_page_cannot_be_read(void **state)
{
	const struct stack_seed seed = {.pc = 1, .cfa = (uintptr_t)__builtin_frame_address(0)};
	struct reach r = {.seed = &seed, .asking = true};
	volatile uintptr_t low = 64;
	uintptr_t word;

	(void)state;
	assert_false(self_readable(0));
	assert_false(reach_load(&r, low, &word));
	assert_false(reach_load(&r, low - 64, &word));
}

/* Where a signal frame leads to a page that can be read, it is. */
static void another_stack_is_read(void **state)
{
	const struct stack_seed seed = {.pc = 1, .cfa = (uintptr_t)__builtin_frame_address(0)};
	struct reach r = {.seed = &seed};
	uintptr_t *there =
		mmap(NULL, REACH_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t word = 0;

	(void)state;
	there[8] = 42;
	reach_warm_up();
	reach_switch(&r, (uintptr_t)there);
	assert_true(reach_load(&r, (uintptr_t)(there + 8), &word));
	assert_int_equal(word, 42);
	assert_int_equal(munmap(there, REACH_PAGE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_says_what_can_be_read),
		cmocka_unit_test(the_first_page_cannot_be_read),
		cmocka_unit_test(another_stack_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

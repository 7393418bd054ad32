/* SPDX-License-Identifier: MIT */
/*
 * test_stack_modules.c - traces through objects that are loaded and unloaded while the program
 * runs, and through code with exception tables.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include "stack_asserts.h"

/* A second libc, in a namespace of its own: qsort's frames are in a module that can be unloaded. */
typedef void sorter(void *, size_t, size_t, int (*)(const void *, const void *));

static void *second_libc(sorter **ret_qsort)
{
	void *module = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);

	*(void **)ret_qsort = module ? dlsym(module, "qsort") : NULL;
	if (!module) {
		print_message("skip: %s\n", dlerror());
		skip();
	}
	return module;
}

/* glibc's trace does not see into other namespaces: compare with one taken outside. */
static void assert_ends_like(void **outside, int n)
{
	assert_int_equal(seen.flags, 0);
	assert_true((int)seen.n >= n + 2);
	for (int i = 1; i < n - 1; i++)
		assert_true(seen.pc[(int)seen.n - i] == (uintptr_t)outside[n - i]);
}

/* As if a function at pc had called. */
static NOINLINE void look_from(uint64_t pc)
{
	const struct stack_seed seed = { pc, (uintptr_t)__builtin_dwarf_cfa() };

	seen.n = stack_capture(&seed, seen.pc, DEEP, &seen.flags);
	AFTER();
}

static void frames_of_a_module_loaded_later_are_known_until_it_is_unloaded(void **state)
{
	sorter *other_qsort;
	char letters[] = "stack";
	void *module, *outside[DEEP];
	int n = backtrace(outside, DEEP);
	uint64_t pc;

	(void)state;
	need_own_unwinder();
	callback_end = look;
	for (int i = 0; i < 3; i++) {
		module = second_libc(&other_qsort);
		other_qsort(letters, 5, 1, compare);
		assert_ends_like(outside, n);
		pc = seen.pc[2];
		dlclose(module);
		stack_forget();
		look_from(pc);
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.flags, STACK_LOST);
	}
}

static void forgetting_any_number_of_times_keeps_traces_right(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++) {
		stack_forget();
		descend(7, look_both);
		assert_agrees(15);
	}
}

static jmp_buf after_terminate;

static void on_terminate(void)
{
	look_both();
	longjmp(after_terminate, 1);
}

static void frames_of_code_with_exceptions_agree(void **state)
{
	void *module = dlopen("libstdc++.so.6", RTLD_NOW);
	void (*(*set)(void (*)(void)))(void);
	void (*die)(void);

	(void)state;
	if (!module) {
		print_message("skip: no libstdc++\n");
		skip();
	}
	*(void **)&set = dlsym(module, "_ZSt13set_terminatePFvvE");
	*(void **)&die = dlsym(module, "_ZSt9terminatev");
	assert_true(set && die);
	set(on_terminate);
	if (!setjmp(after_terminate))
		die();
	assert_agrees(4);
	dlclose(module);
	stack_forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_a_module_loaded_later_are_known_until_it_is_unloaded),
		cmocka_unit_test(forgetting_any_number_of_times_keeps_traces_right),
		cmocka_unit_test(frames_of_code_with_exceptions_agree),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}

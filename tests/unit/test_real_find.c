/* SPDX-License-Identifier: MIT */
/* test_real_find.c - real functions are those that dlsym finds, for every row of calls.def. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "real_find.h"

static const struct real_name names[] = {
#define CALL(name, class) REAL_NAME(#name),
#include "calls.def"
};
#define COUNT (sizeof(names) / sizeof(names[0]))

static const int here;

/* By the compiler as at run time. */
static void a_name_has_the_hash_of_the_dynamic_linker(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		uint32_t h = 5381;

		for (const char *c = names[i].name; *c; c++)
			h = h * 33 + (unsigned char)*c;
		assert_int_equal(names[i].hash, h);
		assert_int_equal(names[i].bytes, strlen(names[i].name) + 1);
	}
}

static void every_row_is_what_dlsym_finds(void **state)
{
	struct real_objects list;
	size_t found = 0;

	(void)state;
	real_objects_list(&here, &list);
	if (!list.count) { /* before glibc 2.35, or an object without a GNU hash table */
		print_message("skip: the loaded objects cannot be listed here\n");
		skip();
	}
	for (size_t i = 0; i < COUNT; i++) {
		void *f = real_find(&list, &names[i]);

		if (f)
			assert_ptr_equal(f, dlsym(RTLD_NEXT, names[i].name));
		found += f != NULL;
	}
	assert_true(found > COUNT / 2); /* or all are left to dlsym, and nothing is gained */
}

static void a_name_that_nobody_defines_is_not_found(void **state)
{
	static const struct real_name none[] = {REAL_NAME("fdwhy_no_function"), REAL_NAME("")};
	struct real_objects list;

	(void)state;
	real_objects_list(&here, &list);
	assert_null(real_find(&list, &none[0]));
	assert_null(real_find(&list, &none[1]));
}

/* Its default version is the newest; libc has it in two. */
static void of_several_versions_the_default_is_found(void **state)
{
	static const struct real_name versioned[] = {REAL_NAME("memcpy"),
						     REAL_NAME("pthread_cond_wait"),
						     REAL_NAME("realpath"), REAL_NAME("nftw")};
	struct real_objects list;

	(void)state;
	real_objects_list(&here, &list);
	for (size_t i = 0; i < sizeof(versioned) / sizeof(versioned[0]); i++) {
		void *f = real_find(&list, &versioned[i]);

		if (f)
			assert_ptr_equal(f, dlsym(RTLD_NEXT, versioned[i].name));
	}
}

/* stdout is no function: dlsym must say. */
static void data_is_left_to_dlsym(void **state)
{
	static const struct real_name data = REAL_NAME("stdout");
	struct real_objects list;

	(void)state;
	real_objects_list(&here, &list);
	assert_null(real_find(&list, &data));
}

/* What libc's clock_gettime calls. */
static void the_clock_of_the_kernel_is_found(void **state)
{
	static const struct real_name none = REAL_NAME("__vdso_no_such_name");
#ifdef __aarch64__
	static const struct real_name clock = REAL_NAME("__kernel_clock_gettime");
#else
	static const struct real_name clock = REAL_NAME("__vdso_clock_gettime");
#endif
	int (*get)(clockid_t, struct timespec *);
	struct timespec before, t, after;

	(void)state;
	assert_null(real_find_vdso(&here, &none));
	*(void **)&get = real_find_vdso(&here, &clock);
	if (!get) {
		print_message("skip: no clock in a vdso here\n");
		skip();
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(get(CLOCK_MONOTONIC, &t), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(t.tv_sec > before.tv_sec ||
		    (t.tv_sec == before.tv_sec && t.tv_nsec >= before.tv_nsec));
	assert_true(t.tv_sec < after.tv_sec ||
		    (t.tv_sec == after.tv_sec && t.tv_nsec <= after.tv_nsec));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_has_the_hash_of_the_dynamic_linker),
		cmocka_unit_test(every_row_is_what_dlsym_finds),
		cmocka_unit_test(a_name_that_nobody_defines_is_not_found),
		cmocka_unit_test(of_several_versions_the_default_is_found),
		cmocka_unit_test(data_is_left_to_dlsym),
		cmocka_unit_test(the_clock_of_the_kernel_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

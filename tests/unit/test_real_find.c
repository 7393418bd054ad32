/* SPDX-License-Identifier: MIT */
/* test_real_find.c - real functions are those that dlsym finds, for every row of calls.def. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "real_find.h"

static const char *const names[] = {
#define CALL_IO(name, ...) #name,
#define CALL_FD(name, ...) #name,
#define CALL_WAIT(name, ...) #name,
#define SPECIAL(name, ...) #name,
#include "calls.def"
};
#define COUNT (sizeof(names) / sizeof(names[0]))

static const int here;

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
		void *f = real_find(&list, names[i]);

		if (f)
			assert_ptr_equal(f, dlsym(RTLD_NEXT, names[i]));
		found += f != NULL;
	}
	assert_true(found > COUNT / 2); /* or all are left to dlsym, and nothing is gained */
}

static void a_name_that_nobody_defines_is_not_found(void **state)
{
	struct real_objects list;

	(void)state;
	real_objects_list(&here, &list);
	assert_null(real_find(&list, "fdwhy_no_such_function"));
	assert_null(real_find(&list, ""));
}

/* Its default version is the newest; libc has it in two. */
static void of_several_versions_the_default_is_found(void **state)
{
	static const char *const versioned[] = {"memcpy", "pthread_cond_wait", "realpath", "nftw"};
	struct real_objects list;

	(void)state;
	real_objects_list(&here, &list);
	for (size_t i = 0; i < sizeof(versioned) / sizeof(versioned[0]); i++) {
		void *f = real_find(&list, versioned[i]);

		if (f)
			assert_ptr_equal(f, dlsym(RTLD_NEXT, versioned[i]));
	}
}

/* stdout is no function: dlsym must say. */
static void data_is_left_to_dlsym(void **state)
{
	struct real_objects list;

	(void)state;
	real_objects_list(&here, &list);
	assert_null(real_find(&list, "stdout"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_what_dlsym_finds),
		cmocka_unit_test(a_name_that_nobody_defines_is_not_found),
		cmocka_unit_test(of_several_versions_the_default_is_found),
		cmocka_unit_test(data_is_left_to_dlsym),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

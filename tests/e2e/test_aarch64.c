/* SPDX-License-Identifier: MIT */
/*
 * test_aarch64.c - the shim built for aarch64, under qemu-user: programs behave as they do without
 * it, and the tool of this machine reads what was recorded. Only the kernel's part is emulated by
 * another kernel; unwinder, vfork and record are those of aarch64.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "harness.h"

#define LIBC "/usr/aarch64-linux-gnu"

static void need_aarch64(void)
{
	SKIP_UNLESS(installed("qemu-aarch64"), "qemu-aarch64 is not installed (qemu-user)");
	SKIP_UNLESS(file_exists(ARG(LIBC "/lib/libc.so.6")),
		    "no libc of aarch64 (libc6-dev-arm64-cross)");
	SKIP_UNLESS(file_exists(ARG(built("aarch64/libfdwhy.so"))),
		    "not built for aarch64 (gcc-aarch64-linux-gnu)");
}

/* Output and status of a target; under the shim when `session` is given. */
static char *output_of(const struct work *w, const char *session, const char *target,
		       const char *arg, int *ret_status)
{
	char preload[600], place[600], path[300];
	char *with[] = {"qemu-aarch64", "-L",  LIBC, "-E",     preload,
			"-E",           place, path, ARG(arg), NULL};
	char *bare[] = {"qemu-aarch64", "-L", LIBC, path, ARG(arg), NULL};
	struct proc p;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("aarch64/libfdwhy.so"));
	snprintf(place, sizeof(place), "FDWHY_SESSION=%s", session ? session : "");
	snprintf(path, sizeof(path), "%s/%s", built("aarch64/targets"), target);
	*ret_status = run(w, session ? with : bare, NULL, &p);
	return file_text(p.out);
}

static json_object *same_outcome(const struct work *w, const char *target, const char *arg)
{
	const char *session = work_path(w, target);
	int bare_status, with_status;
	char *bare, *with;

	assert_int_equal(mkdir(session, 0700), 0);
	bare = output_of(w, NULL, target, arg, &bare_status);
	with = output_of(w, session, target, arg, &with_status);
	assert_string_equal(bare, with);
	assert_int_equal(bare_status, with_status);
	free(bare);
	free(with);
	return report_of(w, session);
}

static void a_leak_has_its_stack_on_aarch64(void **state)
{
	json_object *r, *f;

	need_aarch64();
	r = same_outcome(*state, "lifetime", "leak");
	f = find_site(r, "fds", "open", "leak_files");
	assert_non_null(f);
	assert_int_equal(number_of(f, "opened"), 20);
	assert_true(stack_has(f, "stack", "main"));
	json_object_put(r);
}

static void an_eagain_has_its_stack_on_aarch64(void **state)
{
	json_object *r;

	need_aarch64();
	r = same_outcome(*state, "eagain_recv", NULL);
	assert_true(number_of(r, "totals.eagain") > 0);
	assert_non_null(find_site(r, "eagain", "recv", "main"));
	json_object_put(r);
}

/* Small, deep and strange stacks; cancelled and jumped out of; fortified; inside libc. */
static void programs_do_on_aarch64_what_they_do_without(void **state)
{
	static const char *const targets[] = {"small_stacks",    "cancelled",  "fortified",
					      "inside_libc",     "open_modes", "dup2_low",
					      "errno_on_success"};

	need_aarch64();
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		json_object_put(same_outcome(*state, targets[i], NULL));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, work_begin, work_end)
	const struct CMUnitTest tests[] = {
		T(a_leak_has_its_stack_on_aarch64),
		T(an_eagain_has_its_stack_on_aarch64),
		T(programs_do_on_aarch64_what_they_do_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_stack_aarch64.c - the unwinder on another processor: built by the cross compiler, run by the
 * emulator. Skips where either is not installed. Run from the top of the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define COMPILER "aarch64-linux-gnu-gcc"
#define EMULATOR "qemu-aarch64 -L /usr/aarch64-linux-gnu"
#define FLAGS "-std=gnu11 -Wall -Wextra -Werror -Iinclude -Ishim -D_GNU_SOURCE -O2 -g "
#define SOURCES "shim/stack.c shim/stack_rules.c shim/stack_cfi.c tests/unit/stack_portable.c "

static void need(const char *command, const char *what)
{
	if (system(command) == 0)
		return;
	print_message("skip: %s\n", what);
	skip();
}

/* All of it with and without frame pointers, which changes how frames are found. */
static void traces_agree_on_aarch64(void **state)
{
	static const char *const variants[] = { "-fomit-frame-pointer", "-fno-omit-frame-pointer",
						"-O0", "-mbranch-protection=standard" };
	char dir[] = "/tmp/fdwhy-test-XXXXXX", command[1024];
	int built, ran = 0;

	(void)state;
	need("command -v " COMPILER " >/dev/null", "no " COMPILER);
	need("command -v qemu-aarch64 >/dev/null", "no qemu-aarch64");
	assert_non_null(mkdtemp(dir));
	for (unsigned i = 0; i < sizeof(variants) / sizeof(variants[0]) && !ran; i++) {
		snprintf(command, sizeof(command),
			 COMPILER " " FLAGS SOURCES "%s -o %s/t -lpthread", variants[i], dir);
		built = system(command);
		snprintf(command, sizeof(command), EMULATOR " %s/t", dir);
		ran = built ? built : system(command);
		if (ran)
			print_error("with %s: status %#x\n", variants[i], ran);
	}
	snprintf(command, sizeof(command), "%s/t", dir);
	unlink(command);
	rmdir(dir);
	assert_int_equal(ran, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(traces_agree_on_aarch64) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

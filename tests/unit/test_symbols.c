/* SPDX-License-Identifier: MIT */
/* test_symbols.c - addresses of this very program, looked up in its file as a report would. */
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "symbols.h"

/* Names as compilers of C++ and Rust write them, on code of two bytes. */
#define CODE(name)                                                                                 \
	".globl " name "\n.type " name ", %function\n" name ":\nnop\nnop\n.size " name ", .-" name \
	"\n"
__asm__(".text\n" CODE("_ZN3mta5QueueC1Ei") CODE("_RNvC4main3run")
		CODE("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE"));
extern const char cxx_code[] __asm__("_ZN3mta5QueueC1Ei");
extern const char rust_code[] __asm__("_RNvC4main3run");
extern const char old_rust_code[] __asm__("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE");

static char self[4096];
static uintptr_t bias;
static volatile uintptr_t seen;

static __attribute__((noinline)) void note_caller(void)
{
	seen = (uintptr_t)__builtin_return_address(0);
}

static inline __attribute__((always_inline)) void inner(void)
{
	note_caller();
	__asm__ volatile("");
}

static __attribute__((noinline)) void outer(void)
{
	inner();
	__asm__ volatile("");
}

static int take_first(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(uintptr_t *)arg = info->dlpi_addr;
	return 1;
}

/* A model of one module, and what is at one of its addresses. */
struct scene {
	struct model_module module;
	struct model m;
	struct symbols *s;
};

static const struct symbol *look(struct scene *c, const void *address, bool exact, size_t *ret)
{
	const struct model_frame f = {.offset = (uintptr_t)address - bias, .exact = exact};

	if (!c->module.path)
		c->module.path = self;
	c->m.modules = &c->module;
	c->m.modules_count = 1;
	c->s = symbols_open(&c->m, true, false);
	return symbols_at(c->s, &f, ret);
}

static const char *name_at(const char *address)
{
	static char name[128];
	struct scene c = {0};
	size_t n;
	const struct symbol *s = look(&c, address, true, &n);

	snprintf(name, sizeof(name), "%s", s[0].function ? s[0].function : "?");
	symbols_close(c.s);
	return name;
}

static void a_return_address_belongs_to_the_call_before_it(void **state)
{
	struct scene c = {0};
	size_t n;
	const struct symbol *s;

	(void)state;
	outer();
	s = look(&c, (const void *)seen, false, &n);
	assert_int_equal(n, 2);
	assert_string_equal(s[0].function, "inner");
	assert_true(s[0].inlined);
	assert_string_equal(strrchr(s[0].file, '/') ? strrchr(s[0].file, '/') + 1 : s[0].file,
			    "test_symbols.c");
	assert_true(s[0].line > 0);
	assert_string_equal(s[1].function, "outer");
	assert_false(s[1].inlined);
	assert_true(s[1].line > s[0].line);
	symbols_close(c.s);
}

static void an_exact_address_is_taken_as_it_is(void **state)
{
	struct scene c = {0};
	size_t n;
	const struct symbol *s;

	(void)state;
	s = look(&c, (const void *)(uintptr_t)note_caller, true, &n);
	assert_string_equal(s[n - 1].function, "note_caller");
	symbols_close(c.s);
	s = look(&c, (const void *)(uintptr_t)note_caller, false, &n);
	assert_true(!s[n - 1].function || strcmp(s[n - 1].function, "note_caller"));
	symbols_close(c.s);
}

static void names_are_shown_as_their_language_writes_them(void **state)
{
	(void)state;
	assert_string_equal(name_at(cxx_code), "mta::Queue::Queue(int)");
	assert_string_equal(name_at(rust_code), "main::run");
	assert_string_equal(name_at(old_rust_code), "core::fmt::Write::write_fmt");
}

static void a_file_that_changed_is_said_to_have_and_not_used(void **state)
{
	struct scene c = {.module.build_id_bytes = 20};
	size_t n;
	const struct symbol *s = look(&c, cxx_code, true, &n);

	(void)state;
	assert_int_equal(n, 1);
	assert_null(s[0].function);
	assert_null(s[0].file);
	assert_non_null(strstr(symbols_problem(c.s, 0), "changed"));
	symbols_close(c.s);
}

static void a_file_that_is_gone_is_said_to_be(void **state)
{
	char none[] = "/no/such/file";
	struct scene c = {.module.path = none};
	size_t n;

	(void)state;
	assert_null(look(&c, cxx_code, true, &n)->function);
	assert_string_equal(symbols_problem(c.s, 0), "not found");
	symbols_close(c.s);
}

/* Opening it would wait for a writer for ever. */
static void a_fifo_in_place_of_a_module_is_left_alone(void **state)
{
	char dir[] = "/tmp/fdwhy-test-XXXXXX", path[64];
	struct scene c = {.module.path = path};
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(look(&c, cxx_code, true, &n)->function);
	assert_string_equal(symbols_problem(c.s, 0), "not found");
	symbols_close(c.s);
	unlink(path);
	rmdir(dir);
}

static void an_address_in_no_module_and_a_silenced_table_are_unknown(void **state)
{
	struct scene c = {0};
	const struct model_frame nowhere = {.module = MODEL_NONE, .offset = 1};
	struct symbols *silent;
	size_t n;

	(void)state;
	look(&c, cxx_code, true, &n);
	assert_null(symbols_at(c.s, &nowhere, &n)->function);
	assert_int_equal(n, 1);
	assert_null(symbols_problem(c.s, MODEL_NONE));
	silent = symbols_open(&c.m, false, false);
	assert_null(symbols_at(silent, &(struct model_frame){.offset = 16}, &n)->function);
	assert_null(symbols_problem(silent, 0));
	symbols_close(silent);
	symbols_close(c.s);
}

/* More than the table of answers starts with; each must still be found where it was put. */
static void many_addresses_are_remembered(void **state)
{
	struct scene c = {0};
	const struct symbol *first, *again;
	size_t n;

	(void)state;
	first = look(&c, cxx_code, true, &n);
	for (uint64_t i = 1; i < 3000; i++)
		symbols_at(c.s, &(struct model_frame){.offset = i << 32, .exact = true}, &n);
	again = symbols_at(
		c.s, &(struct model_frame){.offset = (uintptr_t)cxx_code - bias, .exact = true},
		&n);
	assert_ptr_equal(first, again);
	symbols_close(c.s);
}

static int begin(void **state)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	dl_iterate_phdr(take_first, &bias);
	return n > 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_return_address_belongs_to_the_call_before_it),
		cmocka_unit_test(an_exact_address_is_taken_as_it_is),
		cmocka_unit_test(names_are_shown_as_their_language_writes_them),
		cmocka_unit_test(a_file_that_changed_is_said_to_have_and_not_used),
		cmocka_unit_test(a_file_that_is_gone_is_said_to_be),
		cmocka_unit_test(a_fifo_in_place_of_a_module_is_left_alone),
		cmocka_unit_test(an_address_in_no_module_and_a_silenced_table_are_unknown),
		cmocka_unit_test(many_addresses_are_remembered),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}

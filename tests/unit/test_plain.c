/* SPDX-License-Identifier: MIT */
/* test_plain.c - plain.c against libc: every short length, alignment and overlap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PLAIN(name) plain_##name
void *plain_memcpy(void *restrict, const void *restrict, size_t);
void *plain_memmove(void *, const void *, size_t);
void *plain_memset(void *, int, size_t);
int plain_memcmp(const void *, const void *, size_t);
int plain_bcmp(const void *, const void *, size_t);
void *plain_memchr(const void *, int, size_t);
size_t plain_strnlen(const char *, size_t);
size_t plain_strlen(const char *);
int plain_strncmp(const char *, const char *, size_t);
int plain_strcmp(const char *, const char *);
char *plain_strchr(const char *, int);
char *plain_strrchr(const char *, int);
char *plain_strstr(const char *, const char *);
size_t plain_strspn(const char *, const char *);
size_t plain_strcspn(const char *, const char *);
#include "plain.c"

enum { SIZE = 100 };

static void fill(unsigned char *p)
{
	for (int i = 0; i < SIZE; i++)
		p[i] = (unsigned char)(i * 7 + 1);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void move_both(size_t to, size_t from, size_t n)
{
	unsigned char ours[SIZE], libc[SIZE];

	fill(ours);
	fill(libc);
	assert_ptr_equal(plain_memmove(ours + to, ours + from, n), ours + to);
	memmove(libc + to, libc + from, n);
	assert_memory_equal(ours, libc, SIZE);
}

static void copies_are_those_of_libc(void **state)
{
	unsigned char ours[SIZE], libc[SIZE];

	(void)state;
	for (size_t i = 0; i < 20 * 20 * 60; i++)
		move_both(i % 20, i / 20 % 20, i / 400);
	fill(libc);
	memset(ours, 0, SIZE);
	assert_ptr_equal(plain_memcpy(ours + 1, libc + 2, 77), ours + 1);
	assert_memory_equal(ours + 1, libc + 2, 77);
	assert_int_equal(ours[0] | ours[78], 0);
}

static void fills_and_comparisons_are_those_of_libc(void **state)
{
	unsigned char a[SIZE], b[SIZE];

	(void)state;
	for (size_t n = 0; n < 60; n++) {
		fill(a);
		fill(b);
		assert_ptr_equal(plain_memset(a + 3, 0x1fe, n), a + 3);
		memset(b + 3, 0x1fe, n);
		assert_memory_equal(a, b, SIZE);
		assert_int_equal(plain_memcmp(a, b, n), 0);
		assert_ptr_equal(plain_memchr(a, 71, n), memchr(a, 71, n));
		for (size_t at = 0; at < n; at++) {
			b[at] ^= 0x80;
			assert_int_equal(sign(plain_memcmp(a, b, n)), sign(memcmp(a, b, n)));
			assert_true(plain_bcmp(a, b, n));
			b[at] ^= 0x80;
		}
	}
}

static const char *const texts[] = {"",  "a",   "ab",   "abc", "abcabd", "b",    "\xff", "\x01",
				    "/", "a/b", "a/b/", "abd", "cab",    " \tx", "x y"};

static void strings_are_those_of_libc(void **state)
{
	size_t count = sizeof(texts) / sizeof(texts[0]);

	(void)state;
	for (size_t i = 0; i < count * count; i++) {
		const char *a = texts[i / count], *b = texts[i % count];

		assert_int_equal(sign(plain_strcmp(a, b)), sign(strcmp(a, b)));
		for (size_t n = 0; n < 8; n++) {
			assert_int_equal(sign(plain_strncmp(a, b, n)), sign(strncmp(a, b, n)));
			assert_int_equal(plain_strnlen(a, n), strnlen(a, n));
		}
		assert_int_equal(plain_strlen(a), strlen(a));
		assert_ptr_equal(plain_strchr(a, *b), strchr(a, *b));
		assert_ptr_equal(plain_strrchr(a, *b), strrchr(a, *b));
		assert_ptr_equal(plain_strstr(a, b), strstr(a, b));
		assert_int_equal(plain_strspn(a, b), strspn(a, b));
		assert_int_equal(plain_strcspn(a, b), strcspn(a, b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_those_of_libc),
		cmocka_unit_test(fills_and_comparisons_are_those_of_libc),
		cmocka_unit_test(strings_are_those_of_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

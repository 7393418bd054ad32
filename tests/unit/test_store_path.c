/* SPDX-License-Identifier: MIT */
/*
 * test_store_path.c - a path is told to be the one stored before only when it is: store_path_is()
 * held against store_path(), which interns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "store_path.h"

/* Not for a path that the compiler knows. */
static __attribute__((noinline)) bool is_path(uint32_t id, const char *path)
{
	return store_path_is(id, path, true);
}

static char dir[200];
static char *edge; /* two pages, the second of which cannot be read */

static int begin(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/fdwhy-path-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	edge = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edge == MAP_FAILED || mprotect(edge + 4096, 4096, PROT_NONE) || !mkdtemp(dir))
		return -1;
	return store_start(dir, 1024);
}

static int end(void **state)
{
	char path[300];

	(void)state;
	snprintf(path, sizeof(path), "%s/%d.rec", dir, (int)getpid());
	unlink(path);
	munmap(edge, 2 * 4096);
	return rmdir(dir);
}

static const char *const paths[] = {
	"/",
	"/d",
	"/dev",
	"/dev/nu",
	"/dev/nul",
	"/dev/null",
	"/dev/null0",
	"/dev/nulk",
	"/xev/null",
	"/dev/null/null",
	"/dev/null/nulk",
	"d",
	"dev",
	"dev/null",
	"dev/nulk",
	"dev/null/null",
	"./dev/null",
	"",
	"//dev/null",
	"/dev//null",
	"/dev/null/null/null/null",
	"/dev/null/null/",
	"/dev/null/null/n",
	"/dev/nuln/null/n",
	"/dev/null/null/nu",
	"/dev/null/null/null/null/null/nu",
	"/dev/null/null/nuln/null/null/nu",
	"/dev/null/null/null/null/null/nul",
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

/* Each against each, at the end of what can be read and elsewhere. */
static void all_against_all(void)
{
	for (size_t i = 0; i < PATHS; i++) {
		uint32_t id = store_path(STORE_CWD, paths[i]);
		unsigned told = 0;

		for (size_t k = 0; k < PATHS; k++) {
			size_t n = strlen(paths[k]) + 1;
			char *at_edge = memcpy(edge + 4096 - n, paths[k], n), room[64] = "";
			bool is = is_path(id, at_edge);

			assert_true(!is || i == k);
			memcpy(room, paths[k], n);
			is = is_path(id, room);
			assert_true(!is || i == k);
			told += is;
		}
		/* A row that begins near the end of a page is left to store_path(). */
		assert_true(told <= 1);
		assert_true(is_path(id, memcpy(edge, paths[i], strlen(paths[i]) + 1)) ||
			    !*paths[i]);
	}
}

static void a_path_is_itself_and_no_other(void **state)
{
	(void)state;
	all_against_all();
	assert_false(is_path(0, "/dev/null"));
	assert_false(is_path(store_string(STRING_text, "/dev/null", 9), "/dev/null"));
}

static void elsewhere_the_same_words_are_another_path(void **state)
{
	uint32_t id = store_path(STORE_CWD, "dev/null"), absolute = store_path(STORE_CWD, "/dev");

	(void)state;
	assert_true(is_path(id, "dev/null"));
	store.head->cwd = store_string(STRING_path, "/another", 8);
	assert_false(is_path(id, "dev/null"));
	store.head->root = store_string(STRING_path, "/jail", 5);
	assert_false(is_path(absolute, "/dev"));
	all_against_all();
	store.head->root = store.head->cwd = 0;
}

static void what_was_cut_is_asked_each_time(void **state)
{
	static char path[2000];
	uint32_t id;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	id = store_path(STORE_CWD, path);
	assert_true(id);
	assert_false(is_path(id, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_itself_and_no_other),
		cmocka_unit_test(elsewhere_the_same_words_are_another_path),
		cmocka_unit_test(what_was_cut_is_asked_each_time),
	};

	return cmocka_run_group_tests(tests, begin, end);
}

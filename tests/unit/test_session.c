/* SPDX-License-Identifier: MIT */
/* test_session.c - where sessions are looked for, which are trusted, and whose process is alive. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "session.h"

static char runtime[] = "/tmp/fdwhy-test-XXXXXX", place[64];

static void sub_directory(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void remove_all(void)
{
	static const char *const names[] = {"one", "two", "it", "it/1.rec", "it/2.rec", "it/x"};
	char path[256];

	for (size_t i = sizeof(names) / sizeof(names[0]); i-- > 0;) {
		snprintf(path, sizeof(path), "%s/%s", place, names[i]);
		remove(path);
	}
	remove(place);
}

/* How many sessions of our place are listed; the other default places may hold real ones. */
static size_t listed(const char **ret_first)
{
	static char first[64];
	struct session *s;
	size_t n = session_list(&s), ours = 0;

	for (size_t i = 0; i < n; i++) {
		if (!strncmp(s[i].path, place, strlen(place)) && !ours++) {
			snprintf(first, sizeof(first), "%s", s[i].name);
			*ret_first = first;
		}
		session_free(&s[i]);
	}
	free(s);
	return ours;
}

static void the_users_runtime_directory_comes_first(void **state)
{
	char *first = session_place(0), *none;

	(void)state;
	assert_string_equal(first, place);
	free(first);
	unsetenv("XDG_RUNTIME_DIR");
	first = session_place(0);
	assert_string_not_equal(first, place);
	free(first);
	setenv("XDG_RUNTIME_DIR", "relative", 1);
	first = session_place(0);
	assert_int_equal(*first, '/');
	free(first);
	none = session_place(9);
	assert_null(none);
}

static void the_newest_session_is_listed_first(void **state)
{
	const char *first = NULL;
	char path[256];

	(void)state;
	assert_int_equal(mkdir(place, 0700), 0);
	assert_int_equal(listed(&first), 0);
	sub_directory("one");
	sub_directory("two");
	assert_int_equal(listed(&first), 2);
	/* Made within one tick they are equally old: make the second anew until it is younger. */
	for (unsigned i = 0; i < 100000 && strcmp(first, "two"); i++) {
		snprintf(path, sizeof(path), "%s/two", place);
		assert_int_equal(rmdir(path), 0);
		sub_directory("two");
		listed(&first);
	}
	assert_string_equal(first, "two");
}

static void a_session_is_found_by_name_and_by_directory(void **state)
{
	char path[256];
	struct session s;

	(void)state;
	assert_int_equal(mkdir(place, 0700), 0);
	sub_directory("one");
	assert_int_equal(session_find("one", &s), 0);
	assert_string_equal(s.name, "one");
	session_free(&s);
	snprintf(path, sizeof(path), "%s/one//", place);
	assert_int_equal(session_find(path, &s), 0);
	assert_string_equal(s.name, "one");
	session_free(&s);
	assert_int_equal(session_find("no-such-session", &s), 2);
	assert_int_equal(session_find("/no/such/directory", &s), 2);
}

static void a_place_that_is_a_link_is_not_trusted(void **state)
{
	const char *first;
	struct session s;

	(void)state;
	assert_int_equal(symlink("/", place), 0);
	assert_int_equal(listed(&first), 0);
	assert_int_equal(session_find("proc", &s), 2);
}

static void a_place_of_another_user_is_not_trusted(void **state)
{
	const char *first;
	struct session s;

	(void)state;
	if (geteuid()) {
		puts("skip: only root can give a directory away");
		skip();
	}
	assert_int_equal(mkdir(place, 0755), 0);
	sub_directory("one");
	assert_int_equal(chown(place, 65534, 65534), 0);
	assert_int_equal(listed(&first), 0);
	assert_int_equal(session_find("one", &s), 2);
}

static void count(const char *path, void *arg)
{
	assert_string_equal(path + strlen(path) - 4, ".rec");
	++*(unsigned *)arg;
}

static void only_records_are_walked(void **state)
{
	unsigned n = 0;
	char path[256];

	(void)state;
	assert_int_equal(mkdir(place, 0700), 0);
	sub_directory("it");
	for (const char *const *f = (const char *const[]){"1.rec", "2.rec", "x", NULL}; *f; f++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/it/%s", place, *f);
		file = fopen(path, "we");
		assert_non_null(file);
		fclose(file);
	}
	snprintf(path, sizeof(path), "%s/it", place);
	assert_int_equal(session_records(path, count, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(session_records("/no/such/directory", count, &n), -ENOENT);
}

static void a_process_is_the_recorded_one_by_its_start(void **state)
{
	uint64_t start = session_process_start(getpid());

	(void)state;
	assert_true(start > 0);
	assert_true(session_alive(getpid(), start));
	assert_true(session_alive(getpid(), start + 5000000000));
	/* A record made long before this process began is of an earlier owner of its number. */
	assert_false(session_alive(getpid(), start - 1000000000));
}

static void a_zombie_is_not_alive(void **state)
{
	pid_t pid = fork();
	siginfo_t info;

	(void)state;
	if (!pid)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(session_process_start(pid), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(session_alive(pid, UINT64_MAX / 2));
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(runtime))
		return -1;
	snprintf(place, sizeof(place), "%s/fdwhy", runtime);
	return 0;
}

static int before(void **state)
{
	(void)state;
	return setenv("XDG_RUNTIME_DIR", runtime, 1);
}

static int after(void **state)
{
	(void)state;
	remove_all();
	return 0;
}

static int end(void **state)
{
	(void)state;
	return rmdir(runtime);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_users_runtime_directory_comes_first),
		TEST(the_newest_session_is_listed_first),
		TEST(a_session_is_found_by_name_and_by_directory),
		TEST(a_place_that_is_a_link_is_not_trusted),
		TEST(a_place_of_another_user_is_not_trusted),
		TEST(only_records_are_walked),
		TEST(a_process_is_the_recorded_one_by_its_start),
		TEST(a_zombie_is_not_alive),
	};

	return cmocka_run_group_tests(tests, begin, end);
}

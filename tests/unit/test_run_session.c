/* SPDX-License-Identifier: MIT */
/* test_run_session.c - session directories: names, modes, owners, what is refused. */
#include <fcntl.h>
#include <ftw.h>
#include <json-c/json.h>
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
#include "run.h"

static char dir[64];

static int begin(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/fdwhy-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	setenv("XDG_RUNTIME_DIR", dir, 1);
	unsetenv("FDWHY_LIB");
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int end(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *inside(const char *name)
{
	static char path[4][128];
	static unsigned at;
	char *s = path[at++ % 4];

	snprintf(s, sizeof(path[0]), "%s/%s", dir, name);
	return s;
}

/* Without the message on this program's own stderr. */
static int make(const char *directory, const char *command, char **ret_path)
{
	int saved = dup(2), null = open("/dev/null", O_WRONLY | O_CLOEXEC), status;

	dup2(null, 2);
	status = run_session_make(directory, command, ret_path);
	dup2(saved, 2);
	close(saved);
	close(null);
	return status;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	return st.st_mode & 07777;
}

static void assert_is_ours(char *path)
{
	assert_int_equal(mode_of(path), geteuid() ? 0700 : 01733);
	free(path);
}

static void assert_refused(const char *directory)
{
	char *path = NULL;

	assert_int_equal(make(directory, "x", &path), 125);
	free(path);
}

static void a_default_session_has_command_time_and_chance_in_its_name(void **state)
{
	char *one = NULL, *two = NULL, *name;
	unsigned day, second;
	char random[8];

	(void)state;
	assert_int_equal(make(NULL, "/usr/sbin/mail-d", &one), 0);
	assert_int_equal(make(NULL, "mail-d", &two), 0);
	assert_string_not_equal(one, two);
	name = strrchr(one, '/') + 1;
	assert_int_equal(sscanf(name, "mail-d-%8u-%6u-%7[a-z0-9]", &day, &second, random), 3);
	assert_int_equal(strlen(random), 6);
	assert_int_equal(strncmp(one, inside("fdwhy/"), strlen(inside("fdwhy/"))), 0);
	assert_int_equal(mode_of(inside("fdwhy")), geteuid() ? 0700 : 0711);
	assert_is_ours(one);
	assert_is_ours(two);
}

static void a_place_that_others_can_write_is_passed_over(void **state)
{
	char *path = NULL;

	(void)state;
	assert_int_equal(mkdir(inside("fdwhy"), 0700), 0);
	assert_int_equal(chmod(inside("fdwhy"), 0777), 0);
	if (!make(NULL, "x", &path)) {
		assert_int_not_equal(strncmp(path, dir, strlen(dir)), 0);
		rmdir(path);
	}
	free(path);
	assert_int_equal(rmdir(inside("fdwhy")), 0); /* nothing was made there */
}

static void a_place_that_is_a_link_is_passed_over(void **state)
{
	char *path = NULL;

	(void)state;
	assert_int_equal(mkdir(inside("elsewhere"), 0700), 0);
	assert_int_equal(symlink(inside("elsewhere"), inside("fdwhy")), 0);
	if (!make(NULL, "x", &path))
		rmdir(path);
	free(path);
	assert_int_equal(rmdir(inside("elsewhere")), 0);
}

static void a_given_directory_is_made(void **state)
{
	char *path = NULL;

	(void)state;
	assert_int_equal(make(inside("s"), "x", &path), 0);
	assert_string_equal(path, inside("s"));
	assert_is_ours(path);
}

static void an_empty_directory_of_ours_is_taken_and_closed_to_others(void **state)
{
	char *path = NULL;

	(void)state;
	assert_int_equal(mkdir(inside("s"), 0700), 0);
	assert_int_equal(chmod(inside("s"), 0777), 0);
	assert_int_equal(make(inside("s"), "x", &path), 0);
	assert_is_ours(path);
}

static void what_is_no_empty_directory_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(inside("full"), 0700), 0);
	assert_int_equal(mkdir(inside("full/x"), 0700), 0);
	assert_refused(inside("full"));
	close(open(inside("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_refused(inside("file"));
	assert_int_equal(mkdir(inside("real"), 0700), 0);
	assert_int_equal(symlink(inside("real"), inside("link")), 0);
	assert_refused(inside("link"));
	assert_refused(inside("no/such/parent"));
	assert_refused("");
}

static void a_directory_of_another_user_is_refused(void **state)
{
	(void)state;
	if (geteuid()) {
		print_message("skip: only root can make a directory of another user\n");
		skip();
	}
	assert_int_equal(mkdir(inside("theirs"), 0700), 0);
	assert_int_equal(chown(inside("theirs"), 65534, 65534), 0);
	assert_refused(inside("theirs"));
}

static void the_description_names_the_command_and_the_start(void **state)
{
	char *command[] = {"a b", "\"quoted\"", "\xc3\xa9", NULL}, *path = NULL;
	struct json_object *o, *v;
	struct stat st;

	(void)state;
	assert_int_equal(make(inside("s"), "x", &path), 0);
	assert_int_equal(run_session_describe(path, command), 0);
	assert_int_equal(stat(inside("s/session.json"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	o = json_object_from_file(inside("s/session.json"));
	assert_true(json_object_object_get_ex(o, "command", &v));
	assert_int_equal(json_object_array_length(v), 3);
	assert_string_equal(json_object_get_string(json_object_array_get_idx(v, 1)), "\"quoted\"");
	assert_true(json_object_object_get_ex(o, "run_pid", &v));
	assert_int_equal(json_object_get_int(v), getpid());
	assert_true(json_object_object_get_ex(o, "start_real_ns", &v));
	assert_true(json_object_get_int64(v) > 0);
	json_object_put(o);
	free(path);
}

static void the_library_is_the_one_that_was_named(void **state)
{
	char *found;

	(void)state;
	close(open(inside("lib.so"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	setenv("FDWHY_LIB", inside("lib.so"), 1);
	found = run_library();
	assert_string_equal(found, inside("lib.so"));
	free(found);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(a_default_session_has_command_time_and_chance_in_its_name),
		T(a_place_that_others_can_write_is_passed_over),
		T(a_place_that_is_a_link_is_passed_over),
		T(a_given_directory_is_made),
		T(an_empty_directory_of_ours_is_taken_and_closed_to_others),
		T(what_is_no_empty_directory_is_refused),
		T(a_directory_of_another_user_is_refused),
		T(the_description_names_the_command_and_the_start),
		T(the_library_is_the_one_that_was_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

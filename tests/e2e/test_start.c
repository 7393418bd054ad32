/* SPDX-License-Identifier: MIT */
/* test_start.c - a start: which of the library's memory can be written after it, what was found
 * open. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness.h"

struct mapped {
	unsigned sealed; /* mappings that can be read only */
	unsigned long writable_bytes;
};

static struct mapped library_of(const char *maps)
{
	struct mapped m = {0};

	for (const char *line = maps; *line; line += strcspn(line, "\n") + 1) {
		unsigned long from, to;
		char rights[5] = "", path[256] = "";

		if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %255s", &from, &to, rights, path) != 4 ||
		    !strstr(path, "/libfdwhy.so"))
			continue;
		m.sealed += !strcmp(rights, "r--p");
		m.writable_bytes += rights[1] == 'w' ? to - from : 0;
	}
	return m;
}

static struct mapped maps_under(const struct work *w, char *const env[])
{
	char *argv[] = {ARG("cat"), ARG("/proc/self/maps"), NULL};
	char preload[512];
	char *all[] = {preload, env[0], NULL};
	struct outcome o;
	struct mapped m;

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", built("libfdwhy.so"));
	o = outcome_of(proc_start(w, argv, all));
	assert_int_equal(o.status, 0);
	assert_true(*o.out);
	m = library_of(o.out);
	outcome_free(&o);
	return m;
}

/* The functions under the wrappers, the settings, the linker's own table: an attacker's targets. */
static void what_is_called_cannot_be_overwritten(void **state)
{
	const struct work *w = *state;
	char session[300];
	char *recording[] = {session}, *off[] = {ARG("FDWHY=off")};
	struct mapped m;

	snprintf(session, sizeof(session), "FDWHY_SESSION=%s", w->dir);
	m = maps_under(w, recording);
	assert_int_equal(m.sealed, 1);
	assert_true(m.writable_bytes <= 4096);
	m = maps_under(w, off);
	assert_int_equal(m.sealed, 1);
	assert_true(m.writable_bytes <= 4096);
}

static const char *kind_of(json_object *report, int fd)
{
	json_object *list = field(report, "open_fds");

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		if (number_of(o, "fd") == fd)
			return text_of(o, "kind");
	}
	return "";
}

/* Found at the start by looking, for nobody has seen them born. */
static void inherited_pipes_with_a_name_are_told_from_those_without(void **state)
{
	const struct work *w = *state;
	char *argv[] = {ARG("sh"), ARG("-c"), ARG("echo ready; read x; true"), NULL};
	const char *session = work_path(w, "session");
	int named, pair[2];
	json_object *report;
	struct proc p;

	assert_int_equal(mkfifo(work_path(w, "fifo"), 0600), 0);
	named = open(work_path(w, "fifo"), O_RDWR);
	assert_true(named >= 0);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(mkdir(session, 0700), 0);
	p = preload_start(w, session, argv);
	assert_true(proc_says(&p, "ready"));
	report = report_of(w, session);
	assert_string_equal(kind_of(report, named), "fifo");
	assert_string_equal(kind_of(report, pair[0]), "pipe-read");
	assert_string_equal(kind_of(report, pair[1]), "pipe-write");
	json_object_put(report);
	proc_close_input(&p);
	assert_int_equal(proc_wait(&p), 0);
	close(named);
	close(pair[0]);
	close(pair[1]);
}

/* What the report calls the program of that process name. */
static void expect_exe(const struct work *w, char *const argv[], const char *comm, const char *exe)
{
	static unsigned number;
	char session[300];
	json_object *report, *list;
	bool found = false;
	struct proc p;

	snprintf(session, sizeof(session), "%.200s/exe.%u", w->dir, number++);
	assert_int_equal(mkdir(session, 0700), 0);
	p = preload_start(w, session, argv);
	assert_int_equal(proc_wait(&p), 0);
	report = report_of(w, session);
	list = field(report, "processes");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *o = json_object_array_get_idx(list, i);

		if (strcmp(text_of(o, "comm"), comm) != 0)
			continue;
		found = true;
		assert_string_equal(text_of(o, "exe"), exe);
	}
	assert_true(found);
	json_object_put(report);
}

/* Its path is looked up when it is needed; what is sure without is not asked. */
static void a_program_is_known_by_its_path(void **state)
{
	const struct work *w = *state;
	char link[300], quiet[300], script[300], real[4096], interpreter[4096];
	char *reads[] = {link, script, NULL}, *does_nothing[] = {quiet, NULL};
	char *scripted[] = {script, NULL};

	snprintf(link, sizeof(link), "%s", work_path(w, "link"));
	snprintf(quiet, sizeof(quiet), "%s", work_path(w, "quiet"));
	snprintf(script, sizeof(script), "%s", work_path(w, "script"));
	assert_non_null(realpath("/bin/cat", real));
	assert_non_null(realpath("/bin/sh", interpreter));
	assert_int_equal(symlink("/bin/cat", link), 0);
	assert_int_equal(symlink("/bin/true", quiet), 0);
	file_write(script, "#!/bin/sh\ntrue\n");
	assert_int_equal(chmod(script, 0700), 0);
	expect_exe(w, reads, "link", real);
	expect_exe(w, does_nothing, "quiet", quiet);
	expect_exe(w, scripted, "script", interpreter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_called_cannot_be_overwritten, work_begin,
						work_end),
		cmocka_unit_test_setup_teardown(
			inherited_pipes_with_a_name_are_told_from_those_without, work_begin,
			work_end),
		cmocka_unit_test_setup_teardown(a_program_is_known_by_its_path, work_begin,
						work_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

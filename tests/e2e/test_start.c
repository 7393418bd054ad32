/* SPDX-License-Identifier: MIT */
/* test_start.c - what a start leaves in a process: which of the library's memory can be written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_called_cannot_be_overwritten, work_begin,
						work_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

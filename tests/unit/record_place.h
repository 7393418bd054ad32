/* SPDX-License-Identifier: MIT */
/* record_place.h - the directory that a group of tests has its records in: cmocka's group fixture.
 */
#ifndef TEST_RECORD_PLACE_H
#define TEST_RECORD_PLACE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/fdwhy-test-XXXXXX";

static inline void place_clear(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (*e->d_name != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
}

static inline int place_begin(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static inline int place_end(void **state)
{
	(void)state;
	place_clear();
	return rmdir(dir);
}

#endif

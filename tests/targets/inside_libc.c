/* SPDX-License-Identifier: MIT */
/*
 * inside_libc.c - opens and closes that libc makes by itself: two streams and a directory stay
 * open, others go; their numbers are used again by open(), and closed by nobody else.
 */
#include <dirent.h>
#include <fcntl.h>
#include <syslog.h>
#include "target.h"

static NOINLINE int open_after(void)
{
	int fd = open("/etc/group", O_RDONLY);

	KEEP_FRAME();
	return fd;
}

int main(void)
{
	FILE *a = fopen("/etc/passwd", "re"), *b = fopen("/etc/hostname", "re");
	DIR *d = opendir("/");
	int fd;

	if (!a || !b || !d)
		target_die("open");
	fclose(b);
	fd = open_after(); /* the number that fclose() freed */
	close(fd);
	b = fopen("/etc/group", "re");
	fd = open_after();
	printf("stream %d, directory %d, stream %d, file %d\n", fileno(a), dirfd(d), fileno(b), fd);
	return target_ready();
}

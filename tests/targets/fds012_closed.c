/* SPDX-License-Identifier: MIT */
/*
 * fds012_closed.c - started (by itself) with 0, 1 and 2 closed, as tcpserver starts its children; a
 * file gets number 0. Tells what it got in the file it is given. fds012_closed FILE
 */
#include <fcntl.h>
#include "target.h"

static NOINLINE int work_without_standard_fds(const char *path)
{
	int fd = open("/etc/passwd", O_RDONLY), p[2] = { -1, -1 }, r = pipe(p);
	FILE *f = fopen(path, "we");

	if (!f)
		return 98;
	fprintf(f, "open %d pipe %d %d %d file %d\n", fd, r, p[0], p[1], fileno(f));
	fclose(f);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2)
		return work_without_standard_fds(argv[1]);
	close(0);
	close(1);
	close(2);
	execl("/proc/self/exe", argv[0], argv[1], "closed", (char *)NULL);
	return 97;
}

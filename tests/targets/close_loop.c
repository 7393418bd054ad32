/* SPDX-License-Identifier: MIT */
/*
 * close_loop.c - opens five files, then closes every number it can think of, as daemons do, and
 * works on. close_loop up|down|range|from [LAST]
 */
#include <fcntl.h>
#include "target.h"

static NOINLINE void open_some(void)
{
	for (int i = 0; i < 5; i++)
		if (open("/etc/passwd", O_RDONLY) < 0)
			target_die("open");
}

static NOINLINE int close_upwards(int last)
{
	int closed = 0;

	for (int fd = 3; fd <= last; fd++)
		closed += !close(fd);
	return closed;
}

static NOINLINE int close_downwards(int last)
{
	int closed = 0;

	for (int fd = last; fd >= 3; fd--)
		closed += !close(fd);
	return closed;
}

int main(int argc, char **argv)
{
	char how = argc > 1 ? argv[1][0] : 'u';
	int last = argc > 2 ? atoi(argv[2]) : 1048575, closed = 0, fd;

	open_some();
	if (how == 'u')
		closed = close_upwards(last);
	else if (how == 'd')
		closed = close_downwards(last);
	else if (how == 'r')
		closed = close_range(3, ~0u, 0);
	else
		closefrom(3);
	fd = open("/etc/group", O_RDONLY);
	printf("closed %d, next is %d\n", closed, fd);
	return target_ready();
}

/* SPDX-License-Identifier: MIT */
/*
 * eagain_pipe.c - fills a pipe (write) or reads an empty one (read), and gives up. eagain_pipe
 * MODE
 */
#include <fcntl.h>
#include "target.h"

static NOINLINE void fill_pipe(int fd)
{
	static const char page[4096];

	while (write(fd, page, sizeof(page)) > 0)
		;
	if (errno != EAGAIN)
		target_die("write");
}

static NOINLINE void read_empty_pipe(int fd)
{
	char c;

	if (read(fd, &c, 1) >= 0 || errno != EAGAIN)
		target_die("read");
}

int main(int argc, char **argv)
{
	int p[2], reads = argc > 1 && argv[1][0] == 'r';

	if (pipe2(p, O_NONBLOCK))
		target_die("pipe2");
	if (reads)
		read_empty_pipe(p[0]);
	else
		fill_pipe(p[1]);
	close(p[!reads]);
	return target_ready();
}

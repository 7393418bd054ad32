/* SPDX-License-Identifier: MIT */
/*
 * daemonize.c - goes to the background as daemons do: two forks, a session of its own, every fd
 * closed from the highest down; there it forgets a file and lives until FIFO is closed by its
 * writer. daemonize FIFO
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "target.h"

static NOINLINE void close_from_the_highest(void)
{
	for (int fd = 1024; fd >= 3; fd--)
		close(fd);
}

static NOINLINE void forget_in_background(void)
{
	if (open("/etc/passwd", O_RDONLY) < 0)
		_exit(95);
}

static void become_daemon(void)
{
	int null;

	if (fork())
		_exit(0);
	setsid();
	if (fork())
		_exit(0);
	if (chdir("/"))
		_exit(94);
	close_from_the_highest();
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	close(null);
}

int main(int argc, char **argv)
{
	int fd;
	char c;

	if (argc < 2)
		return 2;
	become_daemon();
	forget_in_background();
	fd = open(argv[1], O_RDONLY);
	while (fd >= 0 && read(fd, &c, 1) > 0)
		;
	return 0;
}

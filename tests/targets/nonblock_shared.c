/* SPDX-License-Identifier: MIT */
/*
 * nonblock_shared.c - "who made my standard output non-blocking?": a pipe is shared by two
 * children; one sets O_NONBLOCK on it, the other one, which never did, fails to write.
 *
 * nonblock_shared own|sibling|ended|socket	the sibling lives on; has ended; shares a socket
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "nonblock.h"

static NOINLINE void set_flag(int fd)
{
	int on = 1;

	if (ioctl(fd, FIONBIO, &on))
		target_die("FIONBIO");
	KEEP_FRAME();
}

static pid_t start_sibling(int fd, int lives, int ready)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_flag(fd);
	if (write(ready, "x", 1) != 1)
		target_die("write");
	while (lives)
		pause();
	exit(0);
}

static int suffer(int fd)
{
	write_until_full(fd);
	close(fd);
	return target_ready();
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "own";
	int own = !strcmp(how, "own"), ended = !strcmp(how, "ended");
	char c;
	pid_t sibling = 0, sufferer;
	int fds[2], ready[2], status;

	if (pipe(ready) ||
	    (strcmp(how, "socket") ? pipe(fds) : socketpair(AF_UNIX, SOCK_STREAM, 0, fds)))
		target_die("pipe");
	if (own) {
		set_flag(fds[1]);
	} else {
		sibling = start_sibling(fds[1], !ended, ready[1]);
		if (read(ready[0], &c, 1) != 1)
			target_die("sibling");
		if (ended)
			waitpid(sibling, NULL, 0);
	}
	printf("setter %d\n", own ? (int)getpid() : (int)sibling);
	fflush(stdout);
	sufferer = fork();
	if (!sufferer)
		return suffer(fds[1]);
	waitpid(sufferer, &status, 0);
	if (sibling && !ended)
		kill(sibling, SIGKILL);
	return status != 0;
}

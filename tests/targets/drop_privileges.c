/* SPDX-License-Identifier: MIT */
/*
 * drop_privileges.c - as login processes do: chroot into an empty directory, become nobody; there
 * it fails with EAGAIN for the first time and forgets files. drop_privileges DIRECTORY
 */
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include "target.h"

static NOINLINE void fail_in_chroot(int fd)
{
	char c;

	if (recv(fd, &c, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		target_die("recv");
}

static NOINLINE void forget_in_chroot(void)
{
	for (int i = 0; i < 6; i++)
		if (open("/", O_RDONLY | O_DIRECTORY) < 0)
			target_die("open");
}

static NOINLINE int open_root(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	KEEP_FRAME();
	return fd;
}

/* One place knows the path before and after, and is left with what it stands for now. */
static void change_root(const char *path)
{
	for (volatile int i = 0; i < 3; i++) { /* not one call for each */
		int fd;

		if (i == 2 && (chroot(path) || chdir("/")))
			target_die("chroot");
		fd = open_root();
		if (fd < 0 || (i < 2 && close(fd)))
			target_die("open");
	}
}

int main(int argc, char **argv)
{
	int s[2];

	if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		target_die("drop");
	change_root(argv[1]);
	if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
		target_die("drop");
	fail_in_chroot(s[0]);
	forget_in_chroot();
	printf("uid %d\n", (int)getuid());
	return target_ready();
}

/* SPDX-License-Identifier: MIT */
/*
 * open_modes.c - the variadic arguments of open, openat and fcntl, each command with an argument of
 * its type and without one. Prints what the kernel made of them. open_modes DIRECTORY
 */
#include <fcntl.h>
#include <sys/stat.h>
#include "target.h"

static void show(const char *how, int fd)
{
	struct stat st = { 0 };

	if (fd < 0 || fstat(fd, &st))
		printf("%s: %s\n", how, strerror(errno));
	else
		printf("%s: fd %d mode %o\n", how, fd, st.st_mode);
}

static void show_fcntl(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 4 };
	int r;

	r = fcntl(fd, F_DUPFD, 77);
	printf("dupfd %d, cloexec %d\n", r, fcntl(r, F_GETFD));
	r = fcntl(fd, F_DUPFD_CLOEXEC, 88);
	printf("dupfd %d, cloexec %d\n", r, fcntl(r, F_GETFD));
	printf("setlk %d\n", fcntl(fd, F_SETLK, &l));
	printf("getlk %d type %d\n", fcntl(fd, F_GETLK, &l), l.l_type);
	printf("setfl %d getfl %x\n", fcntl(fd, F_SETFL, O_NONBLOCK), fcntl(fd, F_GETFL));
	printf("setfd %d getfd %d\n", fcntl(fd, F_SETFD, FD_CLOEXEC), fcntl(fd, F_GETFD));
	printf("unknown %d\n", fcntl(fd, 424242, 1));
}

int main(int argc, char **argv)
{
	int dir;

	if (argc < 2 || chdir(argv[1]))
		return 2;
	umask(027);
	dir = open(".", O_RDONLY | O_DIRECTORY);
	show("open", open("a", O_CREAT | O_RDWR, 0666));
	show("open64", open64("b", O_CREAT | O_WRONLY | O_EXCL, 0604));
	show("openat", openat(dir, "c", O_CREAT | O_RDONLY, 0777));
	show("openat64", openat64(AT_FDCWD, "d", O_CREAT | O_RDONLY, 0111));
	show("creat", creat("e", 0640));
	show("tmpfile", open(".", O_TMPFILE | O_RDWR, 0600));
	show("again", open("a", O_RDWR));
	show("exists", open("a", O_CREAT | O_EXCL, 0600));
	show("missing", openat(dir, "nothing", O_RDONLY));
	show("no directory", openat(AT_FDCWD, "a/x", O_RDONLY));
	show_fcntl(open("a", O_RDWR));
	for (const char *f = "abcde"; *f; f++)
		unlink((char[]){ *f, '\0' });
	return target_ready();
}

/* SPDX-License-Identifier: MIT */
/*
 * vfork_exec.c - starts N children by vfork(); each rearranges its fds before it becomes true(1).
 * The fds of the parent must not change, nor what is known of them. vfork_exec [N]
 */
#include <fcntl.h>
#include <sys/wait.h>
#include "target.h"

static NOINLINE void run_child(int keep)
{
	pid_t pid = vfork();

	if (!pid) {
		dup2(keep, 9);
		close(keep);
		close(open("/etc/group", O_RDONLY));
		execl("/bin/true", "true", (char *)NULL);
		_exit(96);
	}
	if (pid < 0)
		target_die("vfork");
	waitpid(pid, NULL, 0);
}

static NOINLINE int open_before(void)
{
	int fd = open("/etc/passwd", O_RDONLY);

	KEEP_FRAME();
	return fd;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 20, keep = open_before();

	while (n--)
		run_child(keep);
	printf("kept %d, 9 is %s\n", keep, fcntl(9, F_GETFD) < 0 ? "closed" : "open");
	return target_ready();
}

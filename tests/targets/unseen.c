/* SPDX-License-Identifier: MIT */
/*
 * unseen.c - opens an eventfd and closes a file with libc's own syscall(), past every preloaded
 * library, then:
 *
 * unseen end     ends
 * unseen fork    forks; the child opens an inotify fd in the same way and ends
 * unseen live    prints ready and waits
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "target.h"

static long (*past)(long number, ...);

int main(int argc, char **argv)
{
	int file = open("/dev/null", O_RDONLY);

	past = (long (*)(long, ...))dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "syscall");
	if (argc < 2 || !past || file < 0 || past(SYS_eventfd2, 0, 0) < 0 || past(SYS_close, file))
		target_die("unseen");
	if (!strcmp(argv[1], "fork")) {
		pid_t pid = fork();

		if (!pid)
			_exit(past(SYS_inotify_init1, 0) < 0);
		if (waitpid(pid, NULL, 0) != pid)
			target_die("fork");
	}
	if (!strcmp(argv[1], "live"))
		target_ready();
	return 0;
}

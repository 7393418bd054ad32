/* SPDX-License-Identifier: MIT */
/*
 * seen.c - looks at itself as tests, sandboxes and lvm do: open fds, threads, signal dispositions,
 * working directory, limits, environment (without the variables that carry the shim). It has failed
 * with EAGAIN, forked and exec'ed before it looks.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "target.h"

extern char **environ;

static void fail_once(void)
{
	int s[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) || recv(s[0], &c, 1, MSG_DONTWAIT) >= 0)
		target_die("recv");
	close(s[0]);
	close(s[1]);
	if (!fork())
		_exit(0);
	wait(NULL);
}

static void look_at_fds(void)
{
	printf("fds:");
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf(" %d", fd);
	printf("\nnext: %d\n", open("/dev/null", O_RDONLY));
}

static void look_at_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = -2;

	while (readdir(d))
		n++;
	closedir(d);
	printf("threads: %d\n", n);
}

static void look_at_signals(void)
{
	struct sigaction a;
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	printf("signals:");
	for (int s = 1; s < 32; s++)
		if (!sigaction(s, NULL, &a) && (a.sa_handler != SIG_DFL || sigismember(&mask, s)))
			printf(" %d", s);
	printf("\n");
}

static void look_at_environment(void)
{
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "LD_PRELOAD=", 11) && strncmp(*e, "FDWHY", 5) &&
		    strncmp(*e, "_=", 2))
			printf("%s\n", *e);
}

static void look_at_limits(void)
{
	struct rlimit l;

	for (int i = 0; i < RLIMIT_NLIMITS; i++)
		if (!getrlimit((__rlimit_resource_t)i, &l))
			printf("limit %d: %lx %lx\n", i, (long)l.rlim_cur, (long)l.rlim_max);
}

int main(int argc, char **argv)
{
	fail_once();
	if (argc < 2) {
		execl("/proc/self/exe", argv[0], "again", (char *)NULL);
		target_die("exec");
	}
	look_at_fds();
	look_at_threads();
	look_at_signals();
	look_at_environment();
	look_at_limits();
	return target_ready();
}

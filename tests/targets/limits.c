/* SPDX-License-Identifier: MIT */
/*
 * limits.c - lowers one resource limit, becomes a new image under it, and works: opens, fails,
 * forks.
 *
 * limits fsize|as|nofile|nproc|stack VALUE
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "target.h"

static const struct {
	const char *name;
	__rlimit_resource_t resource;
} limits[] = {
	{ "fsize", RLIMIT_FSIZE }, { "as", RLIMIT_AS },	      { "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC }, { "stack", RLIMIT_STACK },
};

static void lower(const char *name, rlim_t value)
{
	const struct rlimit l = { value, value };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (!strcmp(limits[i].name, name) && setrlimit(limits[i].resource, &l))
			target_die(name);
}

/* Every outcome is printed; nothing here has to succeed. */
static NOINLINE int work_under_limit(void)
{
	int s[2] = { -1, -1 }, status = -1, fd, r;
	pid_t pid;
	char c;

	fd = open("/dev/null", O_RDWR);
	printf("open %d\n", fd);
	r = socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	printf("socketpair %d\n", r);
	printf("recv %zd %d\n", recv(s[0], &c, 1, MSG_DONTWAIT), errno);
	printf("malloc %d\n", malloc(1 << 20) != NULL);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(close(fd) ? 1 : 0);
	if (pid > 0)
		waitpid(pid, &status, 0);
	printf("fork %d %d\n", pid > 0, status);
	return target_ready();
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return work_under_limit();
	lower(argv[1], strtoul(argv[2], NULL, 0));
	execl("/proc/self/exe", argv[0], (char *)NULL);
	target_die("exec");
}

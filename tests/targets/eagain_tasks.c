/* SPDX-License-Identifier: MIT */
/*
 * eagain_tasks.c - cannot make a process or a thread, because of one limit.
 *
 * eagain_tasks fork|thread|spawn|both		RLIMIT_NPROC of 1; both: among threads
 * eagain_tasks space				RLIMIT_AS leaves no room for a thread's stack
 * eagain_tasks group DIRECTORY			pids.max of a control group, entered here
 */
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "target.h"

static pthread_barrier_t barrier;

static void *nothing(void *arg)
{
	if (arg) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	return arg;
}

static NOINLINE int fork_in_vain(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static NOINLINE int start_in_vain(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL);
}

static NOINLINE int spawn_in_vain(void)
{
	char *argv[] = {"true", NULL}, *env[] = {NULL};
	pid_t pid;

	return posix_spawn(&pid, "/bin/true", NULL, NULL, argv, env);
}

static void lower(__rlimit_resource_t which, rlim_t value)
{
	struct rlimit l;

	if (getrlimit(which, &l))
		target_die("getrlimit");
	l.rlim_cur = value;
	if (setrlimit(which, &l))
		target_die("setrlimit");
}

/* Root has no limit. */
static void limit_processes(void)
{
	lower(RLIMIT_NPROC, 1);
	if (!geteuid() && (setgid(65534) || setuid(65534)))
		target_die("setuid");
}

static void limit_space(void)
{
	unsigned long pages;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu", &pages) != 1)
		target_die("statm");
	fclose(f);
	lower(RLIMIT_STACK, 8u << 20);
	lower(RLIMIT_AS, pages * 4096 + (2u << 20));
}

static void enter_group(const char *directory)
{
	char path[512], pid[16];
	int fd, n = snprintf(pid, sizeof(pid), "%d", (int)getpid());

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, pid, (size_t)n) != n)
		target_die(path);
	close(fd);
}

static void start_thread(pthread_t *ret)
{
	pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(ret, NULL, nothing, &barrier))
		target_die("thread");
	pthread_barrier_wait(&barrier);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	pthread_t t;
	int error;

	if (!strcmp(way, "both"))
		start_thread(&t);
	if (!strcmp(way, "space"))
		limit_space();
	else if (!strcmp(way, "group") && argc > 2)
		enter_group(argv[2]);
	else
		limit_processes();
	error = !strcmp(way, "thread") || !strcmp(way, "space") ? start_in_vain()
		: !strcmp(way, "spawn")                         ? spawn_in_vain()
								: fork_in_vain();
	if (error != EAGAIN) {
		errno = error;
		target_die(way);
	}
	if (!strcmp(way, "both")) {
		pthread_barrier_wait(&barrier);
		pthread_join(t, NULL);
	}
	return target_ready();
}

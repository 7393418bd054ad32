/* SPDX-License-Identifier: MIT */
/*
 * starts.c - programs that end with nothing to say, or have something, or may not leave their
 * record to another: starts WAY. Ways: see the table at the end.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include "target.h"

static void quiet(void)
{
}

static NOINLINE void open_and_close(void)
{
	int fds[400];

	for (int i = 0; i < 400; i++)
		fds[i] = dup(0);
	for (int i = 0; i < 400; i++)
		close(fds[i]);
	KEEP_FRAME();
}

static NOINLINE void forget_one(void)
{
	if (open("/dev/null", O_RDONLY) < 0)
		target_die("open");
	KEEP_FRAME();
}

static void killed(void)
{
	forget_one();
	raise(SIGKILL);
}

static void *block(void *unused)
{
	pause();
	return unused;
}

static void thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, block, NULL))
		target_die("pthread_create");
}

/*
 * A child that no wrapper has seen made, and that outlives its parent; until its input ends it
 * makes no call that one could see.
 */
static void child(void)
{
	long (*past)(long number, ...) =
		(long (*)(long, ...))dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "syscall");
	long pid = past ? past(SYS_clone, SIGCHLD, 0, 0, 0, 0) : -1;
	char c;

	if (pid < 0)
		target_die("clone");
	if (pid)
		return;
	while (past(SYS_read, 0, &c, 1) > 0)
		;
	if (!read(0, &c, 1)) /* its first call that is seen */
		forget_one();
	_exit(0);
}

static const struct target_way ways[] = {
	{"quiet", quiet},   {"wide", open_and_close}, {"forget", forget_one},
	{"killed", killed}, {"thread", thread},       {"child", child},
};

int main(int argc, char **argv)
{
	return argc > 1 && TARGET_RUN(ways, argv[1]) ? 0 : 2;
}

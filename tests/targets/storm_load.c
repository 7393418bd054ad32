/* SPDX-License-Identifier: MIT */
/*
 * storm_load.c - threads that load objects, call through them and unload them again, others that
 * make and fail calls, and signals to all of them as fast as they are handled; the handler makes
 * and fails calls, too. Each result must be libc's.
 *
 * storm_load N SECONDS PLUGIN OTHER   until N signals came and SECONDS have passed, whatever is
 * later: "signals N eagains N births N loads N"
 *
 * LIBS: -ldl
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include "target.h"

#define LOADERS 2
#define THREADS 4

static int empty[2];
static const char *plugin[2];
/* Of all threads and their handlers. */
static unsigned long signals, eagains, births, loads;
static bool over;

static void count(unsigned long *what, unsigned long n)
{
	__atomic_fetch_add(what, n, __ATOMIC_RELAXED);
}

static NOINLINE void blocked(void)
{
	char byte;

	if (recv(empty[0], &byte, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN)
		target_die("recv");
	count(&eagains, 1);
	KEEP_FRAME();
}

static NOINLINE void born_and_gone(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || close(fd))
		target_die("open and close");
	count(&births, 1);
}

static NOINLINE void deeper(unsigned depth)
{
	if (depth)
		deeper(depth - 1);
	else
		blocked();
	KEEP_FRAME();
}

static void on_signal(int signo)
{
	int saved = errno;

	(void)signo;
	deeper(2);
	born_and_gone();
	count(&signals, 1);
	errno = saved;
}

static void *symbol(void *object, const char *name)
{
	void *p = object ? dlsym(object, name) : NULL;

	if (!p)
		target_die(name);
	return p;
}

/* The one comes to lie where the other was. */
static NOINLINE void load_and_unload(unsigned i)
{
	void *object = dlopen(plugin[i % 2], RTLD_NOW);
	int (*open_one)(void);
	void (*call)(int depth, void (*end)(void));

	if (i % 2) {
		*(void **)&call = symbol(object, "plugin_call");
		call((int)(i % 5), blocked);
	} else {
		*(void **)&open_one = symbol(object, "plugin_open");
		if (close(open_one()))
			target_die("plugin_open");
		count(&births, 1);
	}
	if (dlclose(object))
		target_die("dlclose");
	count(&loads, 1);
}

static void *run(void *number)
{
	unsigned first = (unsigned)(uintptr_t)number;

	for (unsigned i = first; !__atomic_load_n(&over, __ATOMIC_RELAXED); i++) {
		if (first < LOADERS)
			load_and_unload(i);
		deeper(i % 7);
		born_and_gone();
	}
	return NULL;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* At places that nobody can foretell: a thread gets its next signal when the last one was handled.
 */
static void storm(pthread_t *threads, unsigned long wanted, time_t until)
{
	for (unsigned i = 0; __atomic_load_n(&signals, __ATOMIC_RELAXED) < wanted || now() < until;
	     i++) {
		pthread_kill(threads[i % THREADS], SIGUSR1);
		for (volatile unsigned wait = 0; wait < i * 7919u % 1997; wait++)
			;
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc < 5 || socketpair(AF_UNIX, SOCK_STREAM, 0, empty))
		target_die("storm_load N SECONDS PLUGIN OTHER");
	plugin[0] = argv[3];
	plugin[1] = argv[4];
	births = 2;
	signal(SIGUSR1, on_signal);
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)i))
			target_die("pthread_create");
	storm(threads, (unsigned long)atol(argv[1]), now() + atoi(argv[2]));
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("signals %lu eagains %lu births %lu loads %lu\n", signals, eagains, births, loads);
	return 0;
}

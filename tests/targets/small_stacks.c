/* SPDX-License-Identifier: MIT */
/*
 * small_stacks.c - calls that fail and calls that open, on a thread's smallest stack, on a signal
 * stack, in a coroutine, and at the end of a very deep recursion.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <ucontext.h>
#include "target.h"

static int pair[2];
static ucontext_t here, there;

static NOINLINE void fail_and_open(void)
{
	char c;

	if (recv(pair[0], &c, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		_exit(90);
	if (open("/dev/null", O_RDONLY) < 0)
		_exit(89);
}

static void *on_small_stack(void *arg)
{
	fail_and_open();
	return arg;
}

static void on_signal_stack(int signo)
{
	(void)signo;
	fail_and_open();
	KEEP_FRAME();
}

static NOINLINE int deep(int n)
{
	volatile int below = n ? deep(n - 1) : 0;

	if (!n)
		fail_and_open();
	return below + 1;
}

static void use_thread(void)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, (size_t)PTHREAD_STACK_MIN);
	if (pthread_create(&t, &a, on_small_stack, NULL))
		target_die("thread");
	pthread_join(t, NULL);
}

static void use_signal_stack(void)
{
	static char room[16384];
	const stack_t s = { .ss_sp = room, .ss_size = sizeof(room) };
	const struct sigaction a = { .sa_handler = on_signal_stack, .sa_flags = SA_ONSTACK };

	sigaltstack(&s, NULL);
	sigaction(SIGUSR1, &a, NULL);
	raise(SIGUSR1);
}

static void use_coroutine(void)
{
	static char room[16384];

	getcontext(&there);
	there.uc_stack.ss_sp = room;
	there.uc_stack.ss_size = sizeof(room);
	there.uc_link = &here;
	makecontext(&there, fail_and_open, 0);
	swapcontext(&here, &there);
}

int main(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		target_die("socketpair");
	use_thread();
	use_signal_stack();
	use_coroutine();
	printf("deep %d\n", deep(20000));
	return target_ready();
}

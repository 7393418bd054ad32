/* SPDX-License-Identifier: MIT */
/*
 * cancelled.c - threads are cancelled, and handlers jump out, inside blocking calls; afterwards
 * calls that fail and files that are forgotten are as before.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>
#include "target.h"

static int pair[2];
static sigjmp_buf out;

static void *block_in_recv(void *arg)
{
	char c;

	recv(pair[0], &c, 1, 0);
	return arg;
}

static void *block_in_poll(void *arg)
{
	struct pollfd p = { .fd = pair[0], .events = POLLIN };

	poll(&p, 1, -1);
	return arg;
}

static void cancel_in(void *(*body)(void *))
{
	void *result = NULL;
	pthread_t t;

	pthread_create(&t, NULL, body, NULL);
	usleep(1000); /* in the call or just before it: both must do */
	pthread_cancel(t);
	pthread_join(t, &result);
	printf("%s\n", result == PTHREAD_CANCELED ? "cancelled" : "returned");
}

static void jump(int signo)
{
	siglongjmp(out, signo);
}

static void jump_out_of_read(void)
{
	char c;

	signal(SIGALRM, jump);
	if (!sigsetjmp(out, 1)) {
		ualarm(2000, 0);
		while (read(pair[0], &c, 1) >= 0 || errno == EINTR)
			;
	}
	printf("jumped\n");
}

static NOINLINE void fail_after_all(void)
{
	char c;

	if (recv(pair[0], &c, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		target_die("recv");
}

static NOINLINE void forget_after_all(void)
{
	for (int i = 0; i < 6; i++)
		if (open("/etc/passwd", O_RDONLY) < 0)
			target_die("open");
}

int main(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		target_die("socketpair");
	for (int i = 0; i < 20; i++) {
		cancel_in(block_in_recv);
		cancel_in(block_in_poll);
		jump_out_of_read();
	}
	fail_after_all();
	forget_after_all();
	return target_ready();
}

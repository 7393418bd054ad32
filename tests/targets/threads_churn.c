/* SPDX-License-Identifier: MIT */
/*
 * threads_churn.c - sixteen threads open, dup2 onto each other's numbers and close at random; at
 * the end five files of a known place are left and everything else above 2 is closed.
 * threads_churn [N]
 */
#include <fcntl.h>
#include <pthread.h>
#include "target.h"

static int rounds;

static void *churn(void *arg)
{
	unsigned seed = (unsigned)(long)arg;

	for (int i = 0; i < rounds; i++) {
		int fd = open("/dev/null", O_RDONLY), to = 100 + rand_r(&seed) % 40;

		dup2(fd, to);
		if (rand_r(&seed) & 1)
			close(100 + rand_r(&seed) % 40);
		close(fd);
	}
	return NULL;
}

static NOINLINE void leave_open(void)
{
	if (open("/etc/passwd", O_RDONLY) < 0)
		target_die("open");
}

int main(int argc, char **argv)
{
	pthread_t t[16];
	int left = 0;

	rounds = argc > 1 ? atoi(argv[1]) : 2000;
	for (long i = 0; i < 16; i++)
		pthread_create(&t[i], NULL, churn, (void *)i);
	for (int i = 0; i < 16; i++)
		pthread_join(t[i], NULL);
	for (int fd = 100; fd < 140; fd++)
		close(fd);
	for (int i = 0; i < 5; i++)
		leave_open();
	for (int fd = 3; fd < 200; fd++)
		left += fcntl(fd, F_GETFD) >= 0;
	printf("left %d\n", left);
	return target_ready();
}

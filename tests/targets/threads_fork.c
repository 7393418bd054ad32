/* SPDX-License-Identifier: MIT */
/*
 * threads_fork.c - four threads open, close and fail with EAGAIN while the fifth forks children
 * that do the same and leave. threads_fork [N]
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "target.h"

static bool stop;
static int pair[2];

static NOINLINE void work_once(void)
{
	char c;
	int fd = open("/dev/null", O_RDONLY);

	if (fd < 0 || recv(pair[0], &c, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		_exit(92);
	if (close(fd))
		_exit(91);
}

static void work_in_child(void)
{
	for (int i = 0; i < 10; i++)
		work_once();
	_exit(0);
}

static void *work(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		work_once();
	return arg;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 100, status, bad = 0;
	pthread_t t[4];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		target_die("socketpair");
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, NULL);
	while (n--) {
		pid_t pid = fork();

		if (!pid)
			work_in_child();
		bad += waitpid(pid, &status, 0) != pid || status;
	}
	stop = true;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("bad %d\n", bad);
	return target_ready();
}

/* SPDX-License-Identifier: MIT */
/*
 * sanitized.c - built with AddressSanitizer, whose runtime interposes the same functions and wants
 * to be the first library: blocked and failing calls, a thread, a child, a shell; with an argument
 * also a call that writes behind its buffer, which the runtime must find.
 * LIBS: -fsanitize=address
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "target.h"

static int pair[2];

static void *read_one(void *arg)
{
	char c;

	return read(pair[1], &c, 1) == 1 ? arg : NULL;
}

static void children(void)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(pair[0] == open("/etc/passwd", O_RDONLY));
	waitpid(child, &status, 0);
	printf("child %d\n", WEXITSTATUS(status));
	fflush(stdout);
	printf("shell %d\n", system("echo of the shell"));
}

int main(int argc, char **argv)
{
	char *volatile small = malloc(4);
	FILE *f = fopen("/etc/passwd", "r");
	void *result = NULL;
	pthread_t t;
	char c[8];

	(void)argv;
	if (!small || !f || !fgets(c, sizeof(c), f) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		target_die("start");
	if (recv(pair[0], c, sizeof(c), MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		target_die("recv");
	pthread_create(&t, NULL, read_one, &pair);
	if (write(pair[0], "x", 1) != 1)
		target_die("write");
	pthread_join(t, &result);
	printf("thread %d\n", result == &pair);
	children();
	rewind(f);
	if (argc > 1 && read(fileno(f), small, 5) < 0)
		target_die("read");
	fclose(f);
	free(small);
	return target_ready();
}

/* SPDX-License-Identifier: MIT */
/*
 * bench_load.c - asks a server on a UNIX socket the same thing again and again: bench_load SOCKET
 * CLIENTS COUNT REQUEST ANSWER_END prints requests per second. A client has one request under way.
 *
 * For servers that have no load generator of their own. Started by servers.sh.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 256

static void die(const char *what)
{
	fprintf(stderr, "bench_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int client(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(to.sun_path))
		die("path of the socket");
	strcpy(to.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	return fd;
}

static void ask(int fd, const char *request)
{
	if (write(fd, request, strlen(request)) < 0)
		die("request");
}

static void take_answer(int fd, const char *end)
{
	char buf[4096];
	size_t n = 0, tail = strlen(end);

	do {
		ssize_t r = read(fd, buf + n, sizeof(buf) - n);

		if (r <= 0)
			die("answer");
		n += (size_t)r;
	} while (n < tail || memcmp(buf + n - tail, end, tail));
}

int main(int argc, char **argv)
{
	int fd[CLIENTS_MAX], clients = argc > 5 ? atoi(argv[2]) : 0;
	long count = argc > 5 ? atol(argv[3]) : 0, done = 0;
	char request[512], end[64];
	double start;

	if (clients < 1 || clients > CLIENTS_MAX || count < 1) {
		fprintf(stderr, "usage: bench_load SOCKET CLIENTS COUNT REQUEST ANSWER_END\n");
		return 2;
	}
	snprintf(request, sizeof(request), "%s\r\n", argv[4]);
	snprintf(end, sizeof(end), "%s\r\n", argv[5]);
	for (int i = 0; i < clients; i++)
		fd[i] = client(argv[1]);
	for (start = now(); done < count; done += clients) {
		for (int i = 0; i < clients; i++)
			ask(fd[i], request);
		for (int i = 0; i < clients; i++)
			take_answer(fd[i], end);
	}
	printf("%.1f %ld\n", (double)done / (now() - start), done);
	return 0;
}

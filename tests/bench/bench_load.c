/* SPDX-License-Identifier: MIT */
/*
 * bench_load.c - asks a server on a UNIX socket the same thing again and again: bench_load SOCKET
 * CLIENTS COUNT REQUEST ANSWER_END prints requests per second and requests made. A client has one
 * request under way. A REQUEST "@FILE" is the bytes of that file; with an empty ANSWER_END each
 * request has a connection of its own, and its answer ends with that.
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

static char request[4096];
static size_t request_bytes;

static void read_request(const char *arg)
{
	FILE *f;

	if (*arg != '@') {
		request_bytes = (size_t)snprintf(request, sizeof(request), "%s\r\n", arg);
		if (request_bytes >= sizeof(request))
			die("size of the request");
		return;
	}
	f = fopen(arg + 1, "r");
	request_bytes = f ? fread(request, 1, sizeof(request), f) : 0;
	if (!request_bytes)
		die(arg + 1);
	fclose(f);
}

static void ask(int fd)
{
	if (write(fd, request, request_bytes) != (ssize_t)request_bytes)
		die("request");
}

static void take_all(int fd)
{
	char buf[4096];
	ssize_t n, all = 0;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		all += n;
	if (n < 0 || !all)
		die("answer");
	close(fd);
}

static void take_answer(int fd, const char *end)
{
	char buf[8192];
	size_t n = 0, tail = strlen(end);

	do {
		ssize_t r = read(fd, buf + n, sizeof(buf) - n);

		if (r <= 0)
			die("answer");
		n += (size_t)r;
	} while (n < tail || memcmp(buf + n - tail, end, tail));
}

/* As many at once as there are clients. */
static long round_of(int fd[], int clients, const char *path, const char *end)
{
	for (int i = 0; i < clients; i++) {
		if (!*end)
			fd[i] = client(path);
		ask(fd[i]);
	}
	for (int i = 0; i < clients; i++) {
		if (*end)
			take_answer(fd[i], end);
		else
			take_all(fd[i]);
	}
	return clients;
}

int main(int argc, char **argv)
{
	int fd[CLIENTS_MAX], clients = argc > 5 ? atoi(argv[2]) : 0;
	long count = argc > 5 ? atol(argv[3]) : 0, done = 0;
	char end[64] = "";
	double start;

	if (clients < 1 || clients > CLIENTS_MAX || count < 1) {
		fprintf(stderr, "usage: bench_load SOCKET CLIENTS COUNT REQUEST ANSWER_END\n");
		return 2;
	}
	read_request(argv[4]);
	if (*argv[5])
		snprintf(end, sizeof(end), "%s\r\n", argv[5]);
	for (int i = 0; *end && i < clients; i++)
		fd[i] = client(argv[1]);
	start = now();
	while (done < count)
		done += round_of(fd, clients, argv[1], end);
	printf("%.1f %ld\n", (double)done / (now() - start), done);
	return 0;
}

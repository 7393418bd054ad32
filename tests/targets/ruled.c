/* SPDX-License-Identifier: MIT */
/*
 * ruled.c - a program for rules to act on: prints what each call gave, as the caller saw it.
 *
 * ruled times N            N reads from a pipe that holds a byte each: "3 ok" or "3 EINTR"
 * ruled connect PATH       one connect, and whether the socket is connected afterwards
 * ruled accept             a connection waits; accept, again until it works
 * ruled close              close, and whether the number is open afterwards
 * ruled shm NAME           opens shared memory that is not there
 * ruled send N             send N bytes on a stream that has room: how many were taken
 * ruled threads N          the same as times, in four threads, by thread
 * ruled forks N            the same in each of four children
 * ruled again N            the same, and then from the same place in a child
 * ruled wait               prints ready, then on each line of input does one read: "1 ok"
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "target.h"

static void say(unsigned n, long r)
{
	printf("%u %s\n", n, r >= 0 ? "ok" : strerrorname_np(errno));
	fflush(stdout);
}

static NOINLINE void times(const char *head, unsigned n)
{
	char line[64];
	int p[2];

	if (pipe(p))
		exit(1);
	for (unsigned i = 1; i <= n; i++) {
		char byte = 0;
		long r;

		if (write(p[1], &byte, 1) != 1)
			exit(1);
		r = read(p[0], &byte, 1);
		snprintf(line, sizeof(line), "%s%u %s\n", head, i,
			 r >= 0 ? "ok" : strerrorname_np(errno));
		fputs(line, stdout);
		if (r < 0) /* the byte is still there */
			readv(p[0], &(struct iovec){&byte, 1}, 1);
	}
	fflush(stdout);
	close(p[0]);
	close(p[1]);
}

static NOINLINE int do_connect(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX}, peer;
	socklen_t n = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	say(1, connect(fd, (struct sockaddr *)&a, sizeof(a)));
	printf("%s\n", getpeername(fd, (struct sockaddr *)&peer, &n) ? "unconnected" : "connected");
	return 0;
}

static NOINLINE int do_accept(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), fd;
	socklen_t n = sizeof(a);
	unsigned tries = 0;

	if (bind(l, (struct sockaddr *)&a, n) || listen(l, 4) ||
	    getsockname(l, (struct sockaddr *)&a, &n) || connect(c, (struct sockaddr *)&a, n))
		return 1;
	do {
		fd = accept(l, NULL, NULL);
		say(++tries, fd);
	} while (fd < 0 && tries < 9);
	return fd < 0;
}

static NOINLINE int do_close(void)
{
	int fd = open("/dev/null", O_RDONLY);

	say(1, close(fd));
	printf("%s\n", fcntl(fd, F_GETFD) < 0 ? "gone" : "open");
	return 0;
}

static NOINLINE int do_send(unsigned n)
{
	static char buf[65536], back[65536];
	struct iovec v[3] = {{buf, 3}, {buf + 3, 1}, {buf + 4, n - 4}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 3};
	int s[2], p[2];

	if (n > sizeof(buf) || n < 5 || socketpair(AF_UNIX, SOCK_STREAM, 0, s) || pipe(p))
		return 1;
	for (unsigned i = 0; i < n; i++)
		buf[i] = (char)(i * 7);
	printf("send %zd\n", send(s[0], buf, n, 0));
	printf("write %zd\n", write(p[1], buf, n));
	printf("writev %zd\n", writev(s[0], v, 3));
	printf("sendmsg %zd\n", sendmsg(s[0], &m, 0));
	printf("sendto %zd\n", sendto(s[0], buf, n, 0, NULL, 0));
	printf("recv %zd\n", recv(s[1], back, n, 0));
	printf("same %d\n", !memcmp(buf, back, 4));
	printf("read %zd\n", read(p[0], back, n));
	m.msg_iov = &(struct iovec){back, n};
	m.msg_iovlen = 1;
	printf("recvmsg %zd\n", recvmsg(s[1], &m, 0));
	printf("iov %d\n", m.msg_iov->iov_base == back && m.msg_iov->iov_len == n);
	return 0;
}

static unsigned count;

static void *one_thread(void *arg)
{
	char head[16];

	snprintf(head, sizeof(head), "t%d ", *(int *)arg);
	times(head, count);
	return NULL;
}

static NOINLINE int do_threads(void)
{
	int number[4];
	pthread_t t[4];

	for (int i = 0; i < 4; i++) {
		number[i] = i;
		pthread_create(&t[i], NULL, one_thread, &number[i]);
		pthread_join(t[i], NULL); /* the rule counts threads in their order */
	}
	return 0;
}

static NOINLINE int do_forks(void)
{
	for (int i = 0; i < 4; i++) {
		char head[16];

		snprintf(head, sizeof(head), "p%d ", i);
		fflush(stdout);
		if (!fork()) {
			times(head, count);
			exit(0);
		}
		wait(NULL);
	}
	return 0;
}

static NOINLINE int do_again(void)
{
	for (int i = 0; i < 2; i++) {
		char head[16];

		fflush(stdout);
		if (i && fork()) {
			wait(NULL);
			break;
		}
		snprintf(head, sizeof(head), "p%d ", i);
		times(head, count);
	}
	return 0;
}

static NOINLINE int do_wait(void)
{
	char line[16], byte;
	int p[2];

	if (pipe(p) || write(p[1], "aaaaaaaa", 8) != 8)
		return 1;
	printf("ready\n");
	fflush(stdout);
	for (unsigned i = 1; fgets(line, sizeof(line), stdin); i++)
		say(i, read(p[0], &byte, 1));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	count = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	if (!strcmp(what, "times"))
		times("", count);
	else if (!strcmp(what, "connect"))
		return do_connect(argv[2]);
	else if (!strcmp(what, "accept"))
		return do_accept();
	else if (!strcmp(what, "close"))
		return do_close();
	else if (!strcmp(what, "shm"))
		say(1, shm_open(argv[2], O_RDWR, 0));
	else if (!strcmp(what, "send"))
		return do_send(count);
	else if (!strcmp(what, "threads"))
		return do_threads();
	else if (!strcmp(what, "forks"))
		return do_forks();
	else if (!strcmp(what, "again"))
		return do_again();
	else if (!strcmp(what, "wait"))
		return do_wait();
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * failing.c - EAGAIN in every way, one way a run: failing WAY. Prints "ready" when it has happened,
 * then waits on stdin. Ways: see the table at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include "target.h"

static char block[65536];

static void expect_eagain(long r, const char *what)
{
	if (r >= 0 || errno != EAGAIN) {
		fprintf(stderr, "%s: %ld, %s: no EAGAIN\n", what, r, strerror(errno));
		exit(3);
	}
}

static void nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void set_timeout(int fd, int which)
{
	const struct timeval t = {.tv_usec = 20000};

	setsockopt(fd, SOL_SOCKET, which, &t, sizeof(t));
}

static void pair(int type, int fds[2])
{
	if (socketpair(AF_UNIX, type, 0, fds))
		exit(3);
}

static NOINLINE long fill_send(int fd, int flags)
{
	long r;

	do
		r = send(fd, block, sizeof(block) / 8, flags);
	while (r > 0);
	return r;
}

static NOINLINE long fill_write(int fd)
{
	long r;

	do
		r = write(fd, block, sizeof(block));
	while (r > 0);
	return r;
}

static void send_nonblock(void)
{
	int fds[2];

	pair(SOCK_STREAM, fds);
	nonblocking(fds[0]);
	expect_eagain(fill_send(fds[0], 0), "send");
}

static void send_dontwait(void)
{
	int fds[2];

	pair(SOCK_STREAM, fds);
	expect_eagain(fill_send(fds[0], MSG_DONTWAIT), "send");
}

static void send_timeout(void)
{
	int fds[2];

	pair(SOCK_STREAM, fds);
	set_timeout(fds[0], SO_SNDTIMEO);
	expect_eagain(fill_send(fds[0], 0), "send");
}

/* Only a receiver that is not connected back has a limited queue: unix(7), max_dgram_qlen. */
static void send_dgram(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "receiver.sock"};
	int from = socket(AF_UNIX, SOCK_DGRAM, 0), to = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (bind(to, (void *)&a, sizeof(a)) || connect(from, (void *)&a, sizeof(a)))
		exit(3);
	unlink(a.sun_path);
	for (int i = 0; i < 1000; i++)
		if (send(from, block, 1, MSG_DONTWAIT) < 0)
			return expect_eagain(-1, "send");
	exit(3);
}

static void recv_nonblock(void)
{
	int fds[2];

	pair(SOCK_STREAM, fds);
	expect_eagain(recv(fds[0], block, 1, MSG_DONTWAIT), "recv");
}

static void recv_timeout(void)
{
	int fds[2];

	pair(SOCK_STREAM, fds);
	set_timeout(fds[0], SO_RCVTIMEO);
	expect_eagain(recv(fds[0], block, 1, 0), "recv");
}

static void pipe_full(void)
{
	int fds[2];

	if (pipe2(fds, O_NONBLOCK))
		exit(3);
	expect_eagain(fill_write(fds[1]), "write");
}

static void eventfd_empty(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	expect_eagain(read(fd, block, 8), "read");
}

static int listener(struct sockaddr_un *a, int backlog)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	a->sun_family = AF_UNIX;
	snprintf(a->sun_path, sizeof(a->sun_path), "listener.sock");
	if (bind(fd, (void *)a, sizeof(*a)) || listen(fd, backlog))
		exit(3);
	return fd;
}

static NOINLINE long connect_full(const struct sockaddr_un *a)
{
	long r;

	do {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		r = connect(fd, (const void *)a, sizeof(*a));
	} while (r == 0);
	return r;
}

static void connect_backlog(void)
{
	struct sockaddr_un a = {0};

	listener(&a, 2);
	expect_eagain(connect_full(&a), "connect");
	unlink(a.sun_path);
}

static void accept_none(void)
{
	struct sockaddr_un a = {0};
	int fd = listener(&a, 2);

	nonblocking(fd);
	expect_eagain(accept(fd, NULL, NULL), "accept");
	unlink(a.sun_path);
}

static void flock_held(void)
{
	int a = open("lockfile", O_RDWR | O_CREAT, 0600), b = open("lockfile", O_RDWR);

	if (flock(a, LOCK_EX))
		exit(3);
	expect_eagain(flock(b, LOCK_EX | LOCK_NB), "flock");
	unlink("lockfile");
}

static void fcntl_held(void)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open("lockfile", O_RDWR | O_CREAT, 0600), ready[2];

	if (pipe(ready))
		exit(3);
	if (!fork()) {
		if (fcntl(fd, F_SETLK, &l) || write(ready[1], "x", 1) != 1)
			_exit(3);
		pause();
	}
	if (read(ready[0], block, 1) != 1)
		exit(3);
	expect_eagain(fcntl(fd, F_SETLK, &l), "fcntl");
}

static NOINLINE void spin(int fd)
{
	for (int i = 0; i < 50000; i++)
		expect_eagain(recv(fd, block, 1, MSG_DONTWAIT), "recv");
}

static void spinning(void)
{
	int fds[2];

	pair(SOCK_STREAM, fds);
	spin(fds[0]);
}

static void waiting(void)
{
	int fds[2];

	pair(SOCK_STREAM, fds);
	expect_eagain(recv(fds[0], block, 1, MSG_DONTWAIT), "recv");
	if (send(fds[1], "x", 1, 0) != 1)
		exit(3);
	poll(&(struct pollfd){.fd = fds[0], .events = POLLIN}, 1, -1);
	if (recv(fds[0], block, 1, MSG_DONTWAIT) != 1)
		exit(3);
}

static const struct target_way ways[] = {
	{"send_nonblock", send_nonblock},
	{"send_dontwait", send_dontwait},
	{"send_timeout", send_timeout},
	{"send_dgram", send_dgram},
	{"recv_nonblock", recv_nonblock},
	{"recv_timeout", recv_timeout},
	{"pipe_full", pipe_full},
	{"eventfd_empty", eventfd_empty},
	{"connect_backlog", connect_backlog},
	{"accept_none", accept_none},
	{"flock_held", flock_held},
	{"fcntl_held", fcntl_held},
	{"spinning", spinning},
	{"waiting", waiting},
};

int main(int argc, char **argv)
{
	(void)argc;
	return TARGET_RUN(ways, argv[1]) ? target_ready() : 2;
}

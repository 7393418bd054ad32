/* SPDX-License-Identifier: MIT */
/*
 * fd_states.c - fds in states that only the kernel knows: TCP connections that the client has
 * closed, a file without a name, pipes and sockets whose other end is held by a child, by nobody,
 * by a backlog or by a message.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "target.h"

static struct sockaddr_in bound = {.sin_family = AF_INET};
static socklen_t bound_bytes = sizeof(bound);

static int listen_here(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&bound, bound_bytes) || listen(fd, 10) ||
	    getsockname(fd, (struct sockaddr *)&bound, &bound_bytes))
		target_die("listen");
	return fd;
}

/* The client sends nothing and closes; the server has read its end of file and forgets. */
static NOINLINE void forget_connection(int listener)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), server;
	char c;

	if (client < 0 || connect(client, (struct sockaddr *)&bound, bound_bytes))
		target_die("connect");
	server = accept(listener, NULL, NULL);
	close(client);
	if (server < 0 || read(server, &c, 1))
		target_die("accept");
}

static NOINLINE void open_deleted(void)
{
	int fd = open("deleted-file", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || unlink("deleted-file"))
		target_die("open");
}

/* Both ends; those at [1] will be the child's. */
static NOINLINE void make_pairs(int fds[4])
{
	if (pipe(fds) || socketpair(AF_UNIX, SOCK_STREAM, 0, fds + 2))
		target_die("pipe");
}

static NOINLINE void make_orphans(void)
{
	int p[2], s[2];

	signal(SIGPIPE, SIG_IGN);
	if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		target_die("pipe");
	close(p[0]);
	close(s[1]);
}

static NOINLINE void listen_unix(struct sockaddr_un *ret_bound, socklen_t *ret_bytes)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*ret_bound = (struct sockaddr_un){.sun_family = AF_UNIX};
	*ret_bytes = sizeof(sa_family_t); /* the kernel finds a name */
	if (fd < 0 || bind(fd, (struct sockaddr *)ret_bound, *ret_bytes) || listen(fd, 10))
		target_die("listen");
	*ret_bytes = sizeof(*ret_bound);
	if (getsockname(fd, (struct sockaddr *)ret_bound, ret_bytes))
		target_die("getsockname");
}

/* In the backlog of a listener that does not accept. */
static NOINLINE void make_unaccepted(const struct sockaddr_un *to, socklen_t bytes)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, bytes))
		target_die("connect");
}

/* The other end is in a message that nobody receives: it lives, and no process has it. */
static NOINLINE void make_in_flight(void)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {.iov_base = (char[]){'x'}, .iov_len = 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control.room)};
	int way[2], s[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, way) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		target_die("socketpair");
	memcpy(CMSG_DATA(&control.head), &s[1], sizeof(int));
	if (sendmsg(way[0], &m, 0) != 1)
		target_die("sendmsg");
	close(s[1]);
}

int main(void)
{
	int listener = listen_here(), fds[4], status;
	struct sockaddr_un to;
	socklen_t to_bytes;
	pid_t child;

	for (volatile int i = 0; i < 4; i++)
		forget_connection(listener);
	open_deleted();
	make_pairs(fds);
	child = fork();
	if (!child) {
		close(fds[0]);
		close(fds[2]);
		pause();
		_exit(0);
	}
	close(fds[1]);
	close(fds[3]);
	make_orphans();
	listen_unix(&to, &to_bytes);
	make_unaccepted(&to, to_bytes);
	make_in_flight();
	status = target_ready();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return status;
}

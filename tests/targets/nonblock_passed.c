/* SPDX-License-Identifier: MIT */
/*
 * nonblock_passed.c - a socket is made non-blocking and then passed to a child (SCM_RIGHTS), which
 * fails to write to it. nonblock_passed set|born
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "nonblock.h"

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static NOINLINE void set_flag(int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		target_die("F_SETFL");
	KEEP_FRAME();
}

static NOINLINE void make_born(int fds[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
		target_die("socketpair");
	KEEP_FRAME();
}

static void pass(int over, int fd)
{
	union control u = {0};
	char c = 'x';
	struct iovec part = {&c, 1};
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)};

	u.head.cmsg_level = SOL_SOCKET;
	u.head.cmsg_type = SCM_RIGHTS;
	u.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&u.head), &fd, sizeof(int));
	if (sendmsg(over, &m, 0) != 1)
		target_die("sendmsg");
}

static int take(int over)
{
	union control u = {0};
	char c;
	struct iovec part = {&c, 1};
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)};
	int fd;

	if (recvmsg(over, &m, 0) != 1 || m.msg_controllen < CMSG_LEN(sizeof(int)))
		target_die("recvmsg");
	memcpy(&fd, CMSG_DATA(&u.head), sizeof(int));
	return fd;
}

int main(int argc, char **argv)
{
	int over[2], data[2], go[2], status;
	pid_t child;
	char c;

	if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, over) || pipe(go))
		return 2;
	child = fork(); /* before there is anything to inherit */
	if (!child) {
		int fd = take(over[1]);

		if (read(go[0], &c, 1) != 1)
			target_die("go");
		write_until_full(fd);
		exit(0);
	}
	if (!strcmp(argv[1], "born"))
		make_born(data);
	else if (socketpair(AF_UNIX, SOCK_STREAM, 0, data))
		target_die("socketpair");
	else
		set_flag(data[0]);
	pass(over[0], data[0]);
	if (write(go[1], "x", 1) != 1 || waitpid(child, &status, 0) != child || status)
		target_die("child");
	printf("setter %d\n", (int)getpid());
	return target_ready();
}

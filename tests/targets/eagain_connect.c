/* SPDX-License-Identifier: MIT */
/*
 * eagain_connect.c - connects to a listener whose backlog is full: another process listens and
 * never accepts. eagain_connect nonblock|timeout DIRECTORY [relative]
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "target.h"

#define BACKLOG 3

static struct sockaddr_un to = { .sun_family = AF_UNIX };

static NOINLINE int listen_and_sleep(int ready)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) || listen(fd, BACKLOG))
		target_die("listen");
	if (write(ready, "x", 1) != 1)
		target_die("write");
	for (;;)
		pause();
}

static NOINLINE int fill_backlog(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static NOINLINE void connect_in_vain(char mode)
{
	const struct timeval ms = { .tv_usec = 40000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | (mode == 'n' ? SOCK_NONBLOCK : 0), 0);

	if (mode == 't')
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &ms, sizeof(ms));
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)) || errno != EAGAIN)
		target_die("connect");
	close(fd);
}

int main(int argc, char **argv)
{
	int p[2];
	pid_t listener;
	char c;

	if (argc < 3 || chdir(argv[2]) || pipe(p))
		return 2;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s%slistener", argc > 3 ? "" : argv[2],
		 argc > 3 ? "" : "/");
	listener = fork();
	if (!listener)
		return listen_and_sleep(p[1]);
	if (read(p[0], &c, 1) != 1)
		target_die("listener");
	for (int i = 0; i <= BACKLOG; i++)
		if (fill_backlog())
			target_die("fill");
	for (int i = 0; i < 2; i++)
		connect_in_vain(argv[1][0]);
	printf("listener %d\n", (int)listener);
	target_ready();
	kill(listener, SIGKILL);
	wait(NULL);
	return 0;
}

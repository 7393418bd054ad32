/* SPDX-License-Identifier: MIT */
/*
 * bench_echo.c - a server that sends back what it gets, on a UNIX socket: bench_echo SOCKET.
 * Edge-triggered, as many daemons are: it reads until EAGAIN, so each request has one. Ends when it
 * is told to.
 *
 * Small on purpose: a request is four system calls and nothing else. Started by servers.sh.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EVENTS 64

static volatile sig_atomic_t told;
static int events, listener;

static void die(const char *what)
{
	fprintf(stderr, "bench_echo: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void on_term(int signo)
{
	(void)signo;
	told = 1;
}

static void watch(int fd)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

	if (epoll_ctl(events, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
}

static void take_clients(void)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(fd);
	if (errno != EAGAIN)
		die("accept");
}

static void send_back(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)n) != n)
			die("write");
	if (n == 0 || errno != EAGAIN)
		close(fd);
}

static void serve(int fd)
{
	if (fd == listener)
		take_clients();
	else
		send_back(fd);
}

static void listen_at(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(at.sun_path))
		die("path of the socket");
	strcpy(at.sun_path, path);
	events = epoll_create1(EPOLL_CLOEXEC);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (events < 0 || listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener, 128))
		die(path);
	watch(listener);
}

int main(int argc, char **argv)
{
	struct sigaction term = {.sa_handler = on_term};
	struct epoll_event e[EVENTS];
	sigset_t blocked, before;
	int n;

	if (argc != 2) {
		fprintf(stderr, "usage: bench_echo SOCKET\n");
		return 2;
	}
	/* It comes while this waits, never just before. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigdelset(&before, SIGTERM);
	sigaction(SIGTERM, &term, NULL);
	signal(SIGPIPE, SIG_IGN);
	listen_at(argv[1]);
	while (!told) {
		n = epoll_pwait(events, e, EVENTS, -1, &before);
		for (int i = 0; i < n; i++)
			serve(e[i].data.fd);
	}
	return 0;
}

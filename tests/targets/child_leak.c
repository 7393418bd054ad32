/* SPDX-License-Identifier: MIT */
/*
 * child_leak.c - a server that starts programs, one way a run: child_leak WAY. The children run
 * until the input of the server ends. Ways:
 *   fork     a listener and a connection go through fork and exec; both are closed here
 *   spawn    the same by posix_spawn of a shell that starts the program
 *   short    a child that ends at once
 *   used     the child reads from what it inherited, polls it, got it by dup2 or with FD_CLOEXEC
 *            taken off: nothing is leaked
 *   prefork  workers that are forks, and do not exec: nothing is leaked
 *   served   a program that gets a listener and leaves it to workers that it forks
 *   cloexec  everything has FD_CLOEXEC: nothing is leaked
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "target.h"

extern char **environ;
static char *self;
static int cloexec;  /* SOCK_CLOEXEC or 0 */
static int until[2]; /* children read their end from it: standard input */

static void need(int ok, const char *what)
{
	if (!ok)
		target_die(what);
}

/* The asm keeps these calls from becoming jumps, which leave no frame behind. */
static NOINLINE int open_listener(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | cloexec, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	need(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof(a)) && !listen(fd, 5), "listen");
	KEEP_FRAME();
	return fd;
}

static NOINLINE int open_client(int listener)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(!getsockname(listener, (struct sockaddr *)&a, &n), "getsockname");
	need(fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)), "connect");
	return fd;
}

static NOINLINE int accept_client(int listener)
{
	int fd = accept4(listener, NULL, NULL, cloexec);

	need(fd >= 0, "accept4");
	KEEP_FRAME();
	return fd;
}

static void be(char *role, char *fd)
{
	char *argv[] = {self, role, fd, NULL};

	execv(self, argv);
	_exit(99);
}

/* It says that it is there by one byte to standard output, a pipe of ours. */
static void await(int said, int count)
{
	char c;

	for (int i = 0; i < count; i++)
		need(read(said, &c, 1) == 1, "child");
}

static void start(char *role, int fd)
{
	int said[2];
	char number[12];
	pid_t pid;

	snprintf(number, sizeof(number), "%d", fd);
	need(!pipe2(said, O_CLOEXEC), "pipe2");
	pid = fork();
	if (!pid) {
		dup2(until[0], 0);
		dup2(said[1], 1);
		be(role, number);
	}
	need(pid > 0, "fork");
	await(said[0], !strcmp(role, "workers") ? 2 : 1);
	close(said[0]);
	close(said[1]);
}

static void close_both(int client, int listener)
{
	close(client);
	close(listener);
}

static void forking(void)
{
	int listener = open_listener(), peer = open_client(listener);
	int client = accept_client(listener);

	start("idle", -1);
	close_both(client, listener);
	need(peer >= 0, "peer");
}

static void spawning(void)
{
	char command[512];
	char *argv[] = {"sh", "-c", command, NULL};
	int listener = open_listener(), peer = open_client(listener), said[2];
	int client = accept_client(listener);
	posix_spawn_file_actions_t actions;
	pid_t pid;

	snprintf(command, sizeof(command), "'%s' idle -1; :", self);
	need(!pipe2(said, O_CLOEXEC), "pipe2");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, until[0], 0);
	posix_spawn_file_actions_adddup2(&actions, said[1], 1);
	need(!posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ), "posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	await(said[0], 1);
	close_both(client, listener);
	need(peer >= 0, "peer");
}

static void short_lived(void)
{
	int listener = open_listener();
	pid_t pid = fork();

	if (!pid)
		be("short", "-1");
	need(waitpid(pid, NULL, 0) == pid, "waitpid");
	need(listener >= 0, "listener");
}

static void used(void)
{
	int life[2], meant, moved;

	need(!pipe(life) && write(life[1], "x", 1) == 1, "pipe");
	fcntl(life[1], F_SETFD, 0);
	start("reader", life[0]);
	close(life[0]);
	close(life[1]);
	need(!pipe(life), "pipe");
	fcntl(life[1], F_SETFD, 0);
	start("poller", life[0]);
	close(life[0]);
	close(life[1]);
	meant = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fcntl(meant, F_SETFD, 0);
	moved = dup2(meant, 40);
	start("idle", -1);
	need(moved == 40, "dup2");
}

static void preforking(void)
{
	int listener = open_listener();

	for (int i = 0; i < 3; i++)
		if (!fork()) {
			char c;

			need(read(until[0], &c, 1) == 0, "read");
			_exit(0);
		}
	close(listener); /* workers have it */
}

static void served(void)
{
	int listener = open_listener(), client = open_client(listener);

	start("workers", listener);
	close(listener);
	need(client >= 0, "client");
}

/* ---- the programs -------------------------------------------------------------------------------
 */

static void wait_for_end(void)
{
	char c;

	need(write(1, "x", 1) == 1, "write");
	need(read(0, &c, 1) == 0, "read");
	exit(0);
}

static void poll_once(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN}, *volatile nowhere = (struct pollfd *)8;
	fd_set *volatile none = (fd_set *)8;
	struct timeval now = {0, 0};

	need(poll(nowhere, 1, 0) == -1 && errno == EFAULT, "poll of nothing");
	need(select(9, none, NULL, NULL, &now) == -1 && errno == EFAULT, "select of nothing");
	need(poll(&p, 1, 0) >= 0, "poll");
	wait_for_end();
}

static void work(int listener)
{
	pid_t worker = fork();

	if (!worker)
		accept_client(listener);
	wait_for_end();
}

static int program(const char *role, int fd)
{
	char c;

	if (!strcmp(role, "short"))
		return 0;
	if (!strcmp(role, "reader"))
		need(read(fd, &c, 1) == 1, "read");
	if (!strcmp(role, "poller"))
		poll_once(fd);
	if (!strcmp(role, "workers"))
		work(fd);
	wait_for_end();
	return 0;
}

static const struct target_way ways[] = {
	{"fork", forking},       {"spawn", spawning}, {"short", short_lived}, {"used", used},
	{"prefork", preforking}, {"served", served},  {"cloexec", forking},
};

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc > 2)
		return program(argv[1], atoi(argv[2]));
	need(argc > 1 && !pipe2(until, O_CLOEXEC), "usage");
	cloexec = strcmp(argv[1], "cloexec") ? 0 : SOCK_CLOEXEC;
	return TARGET_RUN(ways, argv[1]) ? target_ready() : 2; /* its end ends the children */
}

/* SPDX-License-Identifier: MIT */
/*
 * lifetime.c - fds that come, go and stay, one way a run: lifetime WAY. Prints "ready" in the end
 * and waits on stdin. Ways: see the table at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "target.h"

static const char *self;

static void need(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(3);
	}
}

static NOINLINE void leak_files(void)
{
	for (volatile int i = 0; i < 20; i++) /* one place: not to be unrolled */
		need(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0, "open");
}

static NOINLINE void churn_files(void)
{
	for (int i = 0; i < 1000; i++)
		close(open("/dev/null", O_RDONLY));
}

static void leak(void)
{
	churn_files();
	leak_files();
}

static NOINLINE void one_of_each(void)
{
	sigset_t none;
	int fds[2];

	sigemptyset(&none);
	need(epoll_create1(0) >= 0 && eventfd(0, 0) >= 0 && inotify_init() >= 0, "anon");
	need(timerfd_create(CLOCK_MONOTONIC, 0) >= 0 && signalfd(-1, &none, 0) >= 0, "anon");
	need(memfd_create("m", 0) >= 0 && !pipe(fds) && !socketpair(AF_UNIX, SOCK_DGRAM, 0, fds),
	     "x");
	need(socket(AF_INET, SOCK_STREAM, 0) >= 0 && socket(AF_INET6, SOCK_DGRAM, 0) >= 0,
	     "socket");
	need(open("/tmp", O_DIRECTORY | O_RDONLY) >= 0, "open");
}

/* The asm keeps these calls from becoming jumps, which leave no frame behind. */
static NOINLINE int open_it(void)
{
	int fd = open("/dev/null", O_RDONLY);

	__asm__ volatile("" : "+r"(fd));
	return fd;
}

static NOINLINE void close_it(int fd)
{
	close(fd);
	__asm__ volatile("");
}

static NOINLINE void close_it_again(int fd)
{
	need(close(fd) == -1 && errno == EBADF, "close");
}

static void double_close(void)
{
	int fd = open_it();

	close_it(fd);
	close_it_again(fd);
}

static void use_after_close(void)
{
	char c;
	int fd = open_it();

	close_it(fd);
	need(read(fd, &c, 1) == -1 && errno == EBADF, "read");
}

static void close_loop(void)
{
	churn_files();
	for (volatile int i = 0; i < 8; i++)
		open_it();
	for (int fd = 3; fd < 1000; fd++)
		close(fd);
	for (int fd = 3; fd < 1000; fd++)
		close(fd);
}

static void close_ranges(void)
{
	for (volatile int i = 0; i < 8; i++)
		open_it();
	need(!close_range(5, 6, 0), "close_range");
	closefrom(8);
}

static void dups(void)
{
	int fd = open_it();

	need(dup(fd) == fd + 1 && dup2(fd, 20) == 20 && dup3(fd, 21, O_CLOEXEC) == 21, "dup");
	need(fcntl(fd, F_DUPFD, 30) == 30 && fcntl(fd, F_DUPFD_CLOEXEC, 31) == 31, "fcntl");
	need(dup2(fd, 20) == 20 && dup2(fd, fd) == fd, "dup2");
}

static NOINLINE void child_leaks(void)
{
	leak_files();
	_exit(7);
}

static void fork_child(void)
{
	int status;

	open_it();
	if (!fork())
		child_leaks();
	wait(&status);
	need(WEXITSTATUS(status) == 7, "child");
}

/* The parent closes at once what the child goes on with. */
static void fork_race(void)
{
	for (int i = 0; i < 20; i++) {
		int fd = open_it();

		if (!fork()) {
			pause();
			_exit(0);
		}
		close_it(fd);
		open_it();
	}
}

/* A fork that no fork wrapper and no atfork handler sees. */
static void raw_clone(void)
{
	int status;
	long pid = syscall(SYS_clone, 17 /* SIGCHLD */, 0, 0, 0, 0);

	if (!pid)
		child_leaks();
	need(waitpid((pid_t)pid, &status, 0) == pid && WEXITSTATUS(status) == 7, "child");
}

static void exec_clean(void)
{
	char *argv[] = {(char *)(unsigned long)self, "leak", NULL}, *envp[] = {"A=b", NULL};

	open_it(); /* survives */
	open("/dev/null", O_RDONLY | O_CLOEXEC);
	execve(self, argv, envp);
	exit(3);
}

static void vfork_exec(void)
{
	char *argv[] = {(char *)(unsigned long)self, "leak", NULL}, *envp[] = {NULL};
	int status, fd = open_it();
	pid_t pid = vfork();

	if (!pid) {
		close(fd); /* in the child only */
		execve(self, argv, envp);
		_exit(3);
	}
	need(pid > 0 && waitpid(pid, &status, 0) == pid && !status, "vfork");
	need(fcntl(fd, F_GETFD) >= 0, "fd");
}

static NOINLINE void until_limit(void)
{
	while (open_it() >= 0)
		;
	need(errno == EMFILE, "open");
}

static void limit(void)
{
	const struct rlimit r = {64, 64};

	need(!setrlimit(RLIMIT_NOFILE, &r), "setrlimit");
	until_limit();
}

static void many(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	need(!setrlimit(RLIMIT_NOFILE, &r), "setrlimit");
	until_limit();
}

static void high(void)
{
	struct rlimit r;
	int fd = open_it();

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	need(!setrlimit(RLIMIT_NOFILE, &r), "setrlimit");
	need(dup2(fd, (int)r.rlim_max - 1) > 0, "dup2");
}

/* A number far above the others, which then grow past it. */
static void overgrown(void)
{
	const int far = 9000;
	struct rlimit r;
	int fd = open_it();

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = 9216;
	need(!setrlimit(RLIMIT_NOFILE, &r) && dup2(fd, far) == far, "far");
	while (fd < far + 100)
		fd = open_it();
	need(!close(far), "close");
}

static void standard_closed(void)
{
	close(0);
	close(2);
	need(open_it() == 0 && open_it() == 2, "open");
}

static void killed(void)
{
	leak_files();
	kill(getpid(), SIGKILL);
}

static void fine(void)
{
	churn_files();
}

static NOINLINE void received(int s)
{
	char c, room[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&c, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = room,
			   .msg_controllen = sizeof(room)};

	need(recvmsg(s, &m, 0) == 1, "recvmsg");
}

static void passed(void)
{
	char c = 'x', room[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&c, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = room,
			   .msg_controllen = sizeof(room)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int fds[2], fd = open_it();

	need(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds), "socketpair");
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	need(sendmsg(fds[0], &m, 0) == 1, "sendmsg");
	received(fds[1]);
}

static const struct target_way ways[] = {
	{"leak", leak},
	{"one_of_each", one_of_each},
	{"double_close", double_close},
	{"use_after_close", use_after_close},
	{"close_loop", close_loop},
	{"close_ranges", close_ranges},
	{"dups", dups},
	{"fork", fork_child},
	{"raw_clone", raw_clone},
	{"fork_race", fork_race},
	{"exec_clean", exec_clean},
	{"vfork_exec", vfork_exec},
	{"limit", limit},
	{"many", many},
	{"high", high},
	{"overgrown", overgrown},
	{"standard_closed", standard_closed},
	{"killed", killed},
	{"fine", fine},
	{"passed", passed},
};

int main(int argc, char **argv)
{
	self = argv[0];
	if (!TARGET_RUN(ways, argv[1]))
		return 2;
	return argc > 2 ? target_ready() : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * storm.c - a child sends signals as fast as it can; their handler makes and fails the calls that
 * the program makes and fails meanwhile. Each result must be libc's.
 *
 * storm N   until N signals came: "signals N eagains N births N"
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "target.h"

static int empty[2], locked[2];
static struct sockaddr_un full;
static unsigned eagains, births; /* of the program and of its handler: added to atomically */
static volatile sig_atomic_t signals;

static void fails(const char *what, long r)
{
	if (r != -1 || errno != EAGAIN)
		target_die(what);
	__atomic_fetch_add(&eagains, 1, __ATOMIC_RELAXED);
}

static NOINLINE void born_and_gone(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), other;

	if (fd < 0)
		target_die("open");
	other = dup(fd);
	if (other < 0 || close(fd) || close(other))
		target_die("dup");
	__atomic_fetch_add(&births, 2, __ATOMIC_RELAXED);
}

static NOINLINE void blocked(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char byte;

	fails("recv", recv(empty[0], &byte, 1, MSG_DONTWAIT));
	fails("flock", flock(locked[1], LOCK_EX | LOCK_NB));
	fails("connect", connect(fd, (struct sockaddr *)&full, sizeof(full)));
	if (close(fd))
		target_die("close");
	__atomic_fetch_add(&births, 1, __ATOMIC_RELAXED);
}

static void on_signal(int signo)
{
	int saved = errno;

	(void)signo;
	born_and_gone();
	blocked();
	signals++;
	errno = saved;
}

static void fill_backlog(void)
{
	int l = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	full.sun_family = AF_UNIX;
	snprintf(full.sun_path + 1, 40, "fdwhy-storm-%d", (int)getpid());
	if (bind(l, (struct sockaddr *)&full, sizeof(full)) || listen(l, 0))
		target_die("listen");
	births++;
	do {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		births++;
	} while (!connect(fd, (struct sockaddr *)&full, sizeof(full)));
	eagains++;
	close(fd);
}

/* The next signal when the last one was handled, and at a place that nobody can foretell. */
static pid_t start_storm(pid_t target)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;) {
		if (kill(target, SIGUSR1))
			_exit(0);
		for (volatile unsigned i = 0; i < (unsigned)(getpid() + signals++) % 997; i++)
			;
	}
}

int main(int argc, char **argv)
{
	int wanted = argc > 1 ? atoi(argv[1]) : 1;
	pid_t storm;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, empty))
		target_die("socketpair");
	for (int i = 0; i < 2; i++)
		locked[i] = open("storm.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	unlink("storm.lock");
	if (flock(locked[0], LOCK_EX))
		target_die("flock");
	births = 4;
	fill_backlog();
	signal(SIGUSR1, on_signal);
	storm = start_storm(getpid());
	while (signals < wanted) {
		born_and_gone();
		blocked();
	}
	kill(storm, SIGKILL);
	while (waitpid(storm, NULL, 0) < 0 && errno == EINTR)
		;
	signal(SIGUSR1, SIG_IGN);
	printf("signals %d eagains %u births %u\n", (int)signals, eagains, births);
	return 0;
}

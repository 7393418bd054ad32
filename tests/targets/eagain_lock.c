/* SPDX-License-Identifier: MIT */
/*
 * eagain_lock.c - tries to lock a file that another process has locked, and gives up.
 *
 * eagain_lock flock|fcntl|ofd|lockf|own|own-ofd|orphan FILE [again]
 *	own, own-ofd: held by a second descriptor of the same process
 *	orphan: who took the lock is gone; a child that inherited the descriptor holds it
 *	again: until it has it
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "target.h"

static int take(const char *how, int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (!strcmp(how, "fcntl"))
		return fcntl(fd, F_SETLK, &whole);
	if (!strcmp(how, "ofd") || !strcmp(how, "own-ofd"))
		return fcntl(fd, F_OFD_SETLK, &whole);
	if (!strcmp(how, "lockf"))
		return lockf(fd, F_TLOCK, 0);
	return flock(fd, LOCK_EX | LOCK_NB);
}

static void tell_pid(int fd)
{
	const pid_t pid = getpid();

	if (write(fd, &pid, sizeof(pid)) != sizeof(pid))
		target_die("write");
}

static NOINLINE _Noreturn void hold_lock(const char *how, const char *path, int ready)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || take(how, fd))
		target_die("hold");
	if (!strcmp(how, "orphan") && fork())
		_exit(0);
	if (strcmp(how, "orphan")) /* an orphan would be killed at once */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	tell_pid(ready);
	for (;;)
		pause();
}

static NOINLINE void lock_in_vain(const char *how, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (!take(how, fd) || errno != EAGAIN)
		target_die(how);
	close(fd);
}

/* Gets it in the end. */
static NOINLINE void lock_again(const char *how, const char *path, pid_t holder)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (!take(how, fd) || errno != EAGAIN)
		target_die(how);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	if (take(how, fd))
		target_die(how);
	close(fd);
}

int main(int argc, char **argv)
{
	pid_t taker = 0, holder = 0;
	int p[2];

	if (argc < 3 || pipe(p))
		return 2;
	if (!strncmp(argv[1], "own", 3)) {
		if (take(argv[1], open(argv[2], O_RDWR | O_CREAT, 0600)))
			target_die("own");
	} else {
		taker = fork();
		if (!taker)
			hold_lock(argv[1], argv[2], p[1]);
		if (read(p[0], &holder, sizeof(holder)) != sizeof(holder))
			target_die("holder");
		if (taker != holder)
			waitpid(taker, NULL, 0);
	}
	if (argc > 3) {
		lock_again(argv[1], argv[2], holder);
		return 0;
	}
	lock_in_vain(argv[1], argv[2]);
	printf("holder %d\n", (int)holder);
	target_ready();
	if (holder)
		kill(holder, SIGKILL);
	if (holder && taker == holder)
		waitpid(holder, NULL, 0);
	return 0;
}

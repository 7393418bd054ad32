/* SPDX-License-Identifier: MIT */
/* retried.h - the state in which retried.c makes its call; and the states that locks make. */
#ifndef RETRIED_H
#define RETRIED_H

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "target.h"

struct scene {
	int fd, other;
	struct sockaddr_un to;
	char path[64];
};

static char big[1 << 20];

/* A function that ends in kept(its call) has a frame while it calls. */
static long kept(long r)
{
	KEEP_FRAME();
	return r;
}

static void nonblock(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		target_die("O_NONBLOCK");
}

static void fill(int fd)
{
	while (write(fd, big, 4096) > 0)
		;
}

static void drain(int fd)
{
	nonblock(fd);
	while (read(fd, big, sizeof(big)) > 0)
		;
}

/* ---- locks, leases ------------------------------------------------------------------------------
 */

static int file_of(struct scene *s)
{
	int fd;

	snprintf(s->path, sizeof(s->path), "retried.lock");
	fd = open(s->path, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		target_die(s->path);
	return fd;
}

static void open_twice(struct scene *s)
{
	s->other = file_of(s);
	s->fd = file_of(s);
	unlink(s->path);
}

static void flock_scene(struct scene *s)
{
	open_twice(s);
	flock(s->other, LOCK_EX);
}

static long by_flock(struct scene *s)
{
	return kept(flock(s->fd, LOCK_EX | LOCK_NB));
}

static long ofd_lock(int fd, short type)
{
	struct flock lock = {.l_type = type, .l_len = 8};

	return fcntl(fd, F_OFD_SETLK, &lock);
}

static void ofd_scene(struct scene *s)
{
	open_twice(s);
	ofd_lock(s->other, F_WRLCK);
}

static long by_ofd(struct scene *s)
{
	return kept(ofd_lock(s->fd, F_WRLCK));
}

static void go_close(struct scene *s)
{
	close(s->other);
}

/* The lock of another process, which lets go when its end of a pipe is closed. */
static void process_lock_scene(struct scene *s)
{
	struct flock lock = {.l_type = F_WRLCK, .l_len = 8};
	int held[2], go[2];
	char c;

	s->fd = file_of(s);
	if (pipe(held) || pipe(go))
		target_die("pipe");
	if (!fork()) {
		close(go[1]);
		fcntl(s->fd, F_SETLK, &lock);
		close(held[1]);
		_exit(read(go[0], &c, 1) != 0);
	}
	close(held[1]);
	close(go[0]);
	if (read(held[0], &c, 1) != 0)
		target_die("read");
	unlink(s->path);
	s->other = go[1];
}

static long by_fcntl(struct scene *s)
{
	struct flock lock = {.l_type = F_WRLCK, .l_len = 8};

	return kept(fcntl(s->fd, F_SETLK, &lock));
}

static long by_lockf(struct scene *s)
{
	return kept(lockf(s->fd, F_TLOCK, 8));
}

static void lease_scene(struct scene *s)
{
	signal(SIGIO, SIG_IGN);
	close(file_of(s));
	s->other = open(s->path, O_RDONLY);
	if (fcntl(s->other, F_SETLEASE, F_RDLCK))
		target_die("F_SETLEASE");
}

static long by_open(struct scene *s)
{
	long r = open(s->path, O_WRONLY | O_NONBLOCK);
	int error = errno;

	unlink(s->path);
	errno = error;
	return r;
}

#endif

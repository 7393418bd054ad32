/* SPDX-License-Identifier: MIT */
/*
 * wrap_ipc.c - wrappers by hand: fds of message queues, shared memory, other processes, files of a
 * name that is made up, and terminals; what moves data between two fds; epoll_ctl.
 */
#include <errno.h>
#include <string.h>
#include "real.h"
#include "wrap_parts.h"

/* ---- names ------------------------------------------------------------------------------------
 */

EXPORT int mkostemp(char *path, int flags)
{
	const struct call_what w = {.call = CALL_mkostemp, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.mkostemp(path, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_made(&w, r, KIND_file, wrap_flags(0, flags & O_CLOEXEC), CALL_SEED);
}
CALL_ALIAS(mkostemp64, mkostemp);

EXPORT int mkostemps(char *path, int suffix, int flags)
{
	const struct call_what w = {.call = CALL_mkostemps, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.mkostemps(path, suffix, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_made(&w, r, KIND_file, wrap_flags(0, flags & O_CLOEXEC), CALL_SEED);
}
CALL_ALIAS(mkostemps64, mkostemps);

#define SHM_DIR "/dev/shm/"

/* Where libc puts it, in `room`. */
static const char *shm_path(const char *name, char room[RECORD_STRING_MAX])
{
	const size_t dir = sizeof(SHM_DIR) - 1;
	size_t n;

	if (!name)
		return NULL;
	name += strspn(name, "/");
	n = strnlen(name, RECORD_STRING_MAX - dir - 1);
	memcpy(room, SHM_DIR, dir);
	memcpy(room + dir, name, n);
	room[dir + n] = '\0';
	return room;
}

EXPORT int shm_open(const char *name, int flags, mode_t mode)
{
	char room[RECORD_STRING_MAX];
	struct call_what w = {.call = CALL_shm_open, .fd = -1, .at = AT_FDCWD, .path = name};
	struct call_ruled x;
	long faked;
	int r;

	if (unlikely(rules_armed(CALL_shm_open))) /* before libc has read the name */
		w.path = call_checked(&w).path;
	w.path = shm_path(w.path, room);
	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.shm_open(name, flags, mode);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_made(&w, r, KIND_file, SLOT_CLOEXEC, CALL_SEED);
}

EXPORT mqd_t mq_open(const char *name, int flags, ...)
{
	const struct call_what w = {.call = CALL_mq_open, .fd = -1, .at = AT_FDCWD, .path = name};
	struct call_ruled x;
	long faked;
	mqd_t r;
	struct mq_attr *attr = NULL;
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		attr = va_arg(ap, struct mq_attr *);
		va_end(ap);
	}
	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (mqd_t)faked;
	do
		r = real.mq_open(name, flags, mode, attr);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_made(&w, r, KIND_mqueue, wrap_flags(flags & O_NONBLOCK, 1), CALL_SEED);
}

EXPORT mqd_t __mq_open_2(const char *name, int flags)
{
	const struct call_what w = {
		.call = CALL___mq_open_2, .fd = -1, .at = AT_FDCWD, .path = name};
	struct call_ruled x;
	long faked;
	mqd_t r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (mqd_t)faked;
	do
		r = real.__mq_open_2(name, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_made(&w, r, KIND_mqueue, wrap_flags(flags & O_NONBLOCK, 1), CALL_SEED);
}

EXPORT int mq_close(mqd_t q)
{
	const struct call_what w = {.call = CALL_mq_close, .fd = q};
	struct call_ruled x;
	long faked;
	int r;
	uint32_t seq;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	seq = call_closing(q);
	r = wrap_closed(&w, seq, real.mq_close(q), CALL_SEED);
	return unlikely(x.on) ? call_close_ruled(r, &x) : r;
}

/* A handle is no name: the kernel knows one. */
EXPORT int open_by_handle_at(int mount, struct file_handle *handle, int flags)
{
	const struct call_what w = {.call = CALL_open_by_handle_at, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.open_by_handle_at(mount, handle, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	wrap_made(&w, r, flags & O_DIRECTORY ? KIND_dir : KIND_file,
		  wrap_flags(flags & O_NONBLOCK, flags & O_CLOEXEC), CALL_SEED);
	if (r >= 0)
		wrap_named(r);
	return r;
}

/* ---- other processes, events --------------------------------------------------------------------
 */

EXPORT int pidfd_open(pid_t pid, unsigned int flags)
{
	const struct call_what w = {.call = CALL_pidfd_open, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.pidfd_open(pid, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_made(&w, r, KIND_pidfd, wrap_flags(flags & O_NONBLOCK, 1), CALL_SEED);
}

EXPORT int pidfd_getfd(int pidfd, int fd, unsigned int flags)
{
	const struct call_what w = {.call = CALL_pidfd_getfd, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.pidfd_getfd(pidfd, fd, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_made(&w, r, r < 0 ? KIND_unknown : wrap_kind(r), SLOT_PASSED | SLOT_CLOEXEC,
			 CALL_SEED);
}

EXPORT int fanotify_init(unsigned int flags, unsigned int event_flags)
{
	const struct call_what w = {.call = CALL_fanotify_init, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.fanotify_init(flags, event_flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_made(&w, r, KIND_fanotify,
			 wrap_flags(flags & FAN_NONBLOCK, flags & FAN_CLOEXEC), CALL_SEED);
}

EXPORT int openpty(int *master, int *slave, char *name, const struct termios *t,
		   const struct winsize *size)
{
	const struct call_what w = {.call = CALL_openpty, .fd = -1};
	struct call_ruled x;
	int r, fds[2];
	long faked;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.openpty(master, slave, name, t, size);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	fds[0] = *master;
	fds[1] = *slave;
	return wrap_pair(&w, r, fds, KIND_tty, KIND_tty, 0, CALL_SEED);
}

/*
 * Which fds a set has: a wait in epoll_wait is a wait for these. To take out what is closed already
 * is no misuse.
 */
EXPORT int epoll_ctl(int ep, int op, int fd, struct epoll_event *event)
{
	const struct call_what w = {.call = CALL_epoll_ctl, .fd = fd};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.epoll_ctl(ep, op, fd, event);
	while (op != EPOLL_CTL_DEL && call_again(r < 0, &w, &x, CALL_SEED));
	if (likely(r == 0))
		call_mode(fd, op == EPOLL_CTL_DEL ? 0 : SLOT_POLLED, SLOT_POLLED, 0, CALL_SEED);
	return r;
}

/* ---- from fd to fd: which of the two was not ready? ---------------------------------------------
 */

EXPORT ssize_t splice(int in, off_t *in_off, int out, off_t *out_off, size_t n, unsigned int flags)
{
	struct call_what w = {.call = CALL_splice, .fd = out, .bytes = n};
	struct call_ruled x;
	long r;

	if (wrap_ruled(&w, &x, CALL_SEED, &r))
		return r;
	do {
		r = real.splice(in, in_off, out, out_off, n, flags);
		wrap_moved(&w, in, out, r);
	} while (call_again(r < 0, &w, &x, CALL_SEED));
	return r;
}

EXPORT ssize_t tee(int in, int out, size_t n, unsigned int flags)
{
	struct call_what w = {.call = CALL_tee, .fd = out, .bytes = n};
	struct call_ruled x;
	long r;

	if (wrap_ruled(&w, &x, CALL_SEED, &r))
		return r;
	do {
		r = real.tee(in, out, n, flags);
		wrap_moved(&w, in, out, r);
	} while (call_again(r < 0, &w, &x, CALL_SEED));
	return r;
}

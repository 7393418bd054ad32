/* SPDX-License-Identifier: MIT */
/*
 * wrap_parts.h - what several wrap_*.c files do after a real call. Like call.h: COLD, errno is left
 * as it was, nothing happens where call_ready() says no.
 */
#ifndef SHIM_WRAP_PARTS_H
#define SHIM_WRAP_PARTS_H

#include <fcntl.h>
#include "call.h"
#include "real.h"

/*
 * What a wrapper by hand begins with: is there an answer without the real call, by a rule or (-1)
 * because no real function can be known yet?
 */
static INLINED bool wrap_ruled(const struct call_what *w, struct call_ruled *x,
			       const struct stack_seed *seed, long *ret)
{
	if (unlikely(!real_ready())) {
		*ret = -1;
		return true;
	}
	return call_rules(w, x, seed, ret);
}

static inline uint32_t wrap_flags(int nonblock, int cloexec)
{
	return (nonblock ? SLOT_NONBLOCK : 0u) | (cloexec ? SLOT_CLOEXEC : 0u);
}

/* A call that made a new fd, or failed. Returns r. */
static inline int wrap_made(const struct call_what *w, int r, enum record_kind kind, uint32_t flags,
			    const struct stack_seed *seed)
{
	if (likely(r >= 0))
		call_birth(w, r, kind, flags, seed);
	return r;
}

/* A call that made two new fds, or failed. Returns r. */
int wrap_pair(const struct call_what *w, int r, const int fds[2], enum record_kind first,
	      enum record_kind second, uint32_t flags, const struct stack_seed *seed);
/* A call that made another name of w->fd, unless `same` says that it did nothing. Returns r. */
static inline int wrap_duplicated(const struct call_what *w, int r, bool same, uint32_t flags,
				  const struct stack_seed *seed)
{
	if (likely(r >= 0) && !same)
		call_dup(w->call, w->fd, r, flags, seed);
	return r;
}

/* A close by another name than close(): w->fd has ended with -1 or else. Returns r. */
int wrap_closed(const struct call_what *w, uint32_t seq, int r, const struct stack_seed *seed);
/* fd is new in place of what had its number. */
void wrap_birth_over(const struct call_what *w, int fd, enum record_kind kind,
		     const struct stack_seed *seed);
/* Ask the kernel for the name of fd, which has just been born. */
void wrap_named(int fd);
/* Ask the kernel what fd is. */
enum record_kind wrap_kind(int fd);
/* A call from `in` to `out` ended: w->fd becomes the one that was not ready. */
void wrap_moved(struct call_what *w, int in, int out, ssize_t r);

/* Asking whether a number is open is no misuse. */
static inline bool wrap_asks(int cmd)
{
	return cmd == F_GETFD || cmd == F_GETFL;
}

static inline bool wrap_locks(int cmd)
{
	return cmd == F_SETLK || cmd == F_SETLKW || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW ||
	       cmd == F_SETLEASE;
}

/* What fcntl(fd, cmd, arg) is about; and it succeeded with r. */
static inline struct call_what wrap_fcntl_what(int fd, int cmd, long arg)
{
	struct call_what w = {.call = CALL_fcntl, .fd = fd};

	if (wrap_locks(cmd)) {
		w.lock_cmd = cmd;
		w.lock = cmd == F_SETLEASE ? NULL : (const void *)arg;
	}
	return w;
}

static inline void wrap_fcntl_done(const struct call_what *w, int cmd, long arg, int r,
				   const struct stack_seed *seed)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		wrap_duplicated(w, r, false, cmd == F_DUPFD_CLOEXEC ? SLOT_CLOEXEC : 0, seed);
		break;
	case F_SETFD:
		call_mode(w->fd, arg & FD_CLOEXEC ? SLOT_CLOEXEC : SLOT_MEANT,
			  SLOT_CLOEXEC | SLOT_MEANT, 0, seed);
		break;
	case F_SETFL:
		call_nonblock(w->fd, arg & O_NONBLOCK, seed);
		break;
	case F_SETLEASE:
		call_mode(w->fd, arg != F_UNLCK ? SLOT_LEASED : 0, SLOT_LEASED, 0, seed);
		break;
	default:
		if (w->lock)
			call_locked(w);
		break;
	}
}

struct msghdr;
/* A message went with fds in it (SCM_RIGHTS), perhaps. wrap_open.c */
void wrap_passed(const struct msghdr *msg);
/* A message came with fds in it (SCM_RIGHTS), perhaps. wrap_open.c */
void wrap_received(uint16_t call, struct msghdr *msg, const struct stack_seed *seed);
/* A seccomp filter is about to be installed; it was not. wrap_process.c */
void wrap_before_filter(void);
void wrap_filter_failed(void);

#endif

/* SPDX-License-Identifier: MIT */
/* wrap_parts.c - see wrap_parts.h. */
#include <errno.h>
#include <poll.h>
#include "child.h"
#include "sysc.h"
#include "wrap_parts.h"

int wrap_pair(const struct call_what *w, int r, const int fds[2], enum record_kind first,
	      enum record_kind second, uint32_t flags, const struct stack_seed *seed)
{
	if (likely(r == 0)) {
		call_birth(w, fds[0], first, flags, seed);
		call_birth(w, fds[1], second, flags, seed);
	}
	return r;
}

int wrap_closed(const struct call_what *w, uint32_t seq, int r, const struct stack_seed *seed)
{
	int error = r == -1 ? errno : 0;

	if (w->fd < 0)
		return r;
	if (seq)
		call_closed(w->fd, seq, error ? -1 : 0, seed);
	if (error == EAGAIN || (error == EBADF && !seq))
		call_failed(w, seed);
	return r;
}

void wrap_birth_over(const struct call_what *w, int fd, enum record_kind kind,
		     const struct stack_seed *seed)
{
	struct record_slot *s = call_ready() ? slots_at(fd) : NULL;

	if (s && s->state == SLOT_open) {
		call_fate_closed(s);
		slots_lost(fd, 0, false);
	}
	call_birth(w, fd, kind, 0, seed);
}

void wrap_named(int fd)
{
	struct record_slot *s = call_ready() ? slots_at(fd) : NULL;

	if (s && s->state == SLOT_open)
		record_poke(&s->target, child_name(fd));
}

enum record_kind wrap_kind(int fd)
{
	return call_ready() ? (enum record_kind)child_kind(fd) : KIND_unknown;
}

static bool can_read(int fd)
{
	const int64_t now[2] = {0, 0};
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return !call_ready() || self_gate.seccomp || sysc(SYS_ppoll, &p, 1, now, 0, 8) == 1;
}

void wrap_moved(struct call_what *w, int in, int out, ssize_t r)
{
	bool empty = r < 0 && errno == EAGAIN && !can_read(in);

	w->fd = empty ? in : out;
	w->flags = empty ? (int)FACTS_INPUT : 0;
	if (unlikely(r < 0))
		return;
	if (!slots_use(in))
		call_used(in);
	if (!slots_use(out))
		call_used(out);
}

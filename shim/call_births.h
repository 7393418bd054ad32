/* SPDX-License-Identifier: MIT */
/*
 * call_births.h - the births and deaths of fds, HOT: a place that is known, a slot that is free, no
 * other thread. Everything else is call.c's, the only other user beside open() and close(), which
 * have this inlined: a call less, and what they know of their arguments need not be asked.
 *
 * Nothing here changes errno.
 */
#ifndef SHIM_CALL_BIRTHS_H
#define SHIM_CALL_BIRTHS_H

#include <fcntl.h>
#include "call.h"
#include "quarantine.h"
#include "slots_change.h"
#include "store_path.h"

/* Among threads, where something is odd about the number, or its slot is to be made. */
void call_born_apart(int fd, struct slots_birth b);
/* A close of fd failed, `seq` as of slots_closing(). */
void call_close_failed(int fd, uint32_t seq, struct stack_seed seed);

static INLINED bool call_is_plain(int fd, const struct record_slot *s)
{
	return likely(s) && likely(s->state != SLOT_open) && likely(fd > 2) &&
	       likely(!quarantine_room) && likely(__libc_single_threaded);
}

/* The site has one more, with this name. */
static INLINED void call_born_at(struct record_site *site, const struct slots_birth *b)
{
	record_poke(&site->last_ns, b->now_ns);
	record_poke(&site->target, b->target);
	site->kind = b->kind;
}

/* `fd` is new. */
static INLINED void call_born(const struct call_what *w, int fd, enum record_kind kind,
			      uint32_t slot_flags, struct stack_seed seed)
{
	struct slots_birth b = {.call = w->call, .kind = (uint8_t)kind, .flags = slot_flags};
	struct record_slot *from, *s;
	struct call_site at;

	if (unlikely(!call_ready()))
		return;
	b.now_ns = slots_now();
	at = call_site(seed, w->call, 0);
	b.site = at.id;
	from = w->fd >= 0 ? slots_at(w->fd) : NULL; /* the listener of an accept */
	if (from)
		slots_touch(from);
	if (likely(at.site) && w->path && w->at == AT_FDCWD &&
	    likely(store_path_is(at.site->target, w->path)))
		b.target = at.site->target;
	else
		b.target = call_target(w, slots_if_open(from));
	if (from && kind == KIND_unknown)
		b.kind = from->kind;
	s = slots_at(fd);
	if (unlikely(!at.site) || unlikely(!call_is_plain(fd, s))) {
		call_born_apart(fd, slots_birth_copied(&b));
		return;
	}
	call_born_at(at.site, &b);
	slots_fill_in(true, s, &b);
	slots_count_plain_birth(&b, at.site);
}

/* ---- deaths -----------------------------------------------------------------------------------
 */

/* Before a real close of fd. NULL: it is to be called with call_closing() and call_closed(). */
static INLINED struct record_slot *call_closes(int fd, uint32_t *ret_seq)
{
	struct record_slot *s = likely(call_ready()) ? slots_at(fd) : NULL;

	if (unlikely(!s) || unlikely(!__libc_single_threaded) || unlikely(s->failed) ||
	    unlikely(s->flags & (SLOT_LOCKED | SLOT_INHERITED | SLOT_UNSEEN)))
		return NULL;
	if (unlikely(!slots_set_closing(true, s, ret_seq)))
		return NULL;
	slots_count_own_death(true, s->site, self_now_coarse());
	return s;
}

/* After it. It is closed also when close() says EINTR or EIO: close(2). */
static INLINED void call_closed_now(struct record_slot *s, uint32_t seq, struct stack_seed seed)
{
	slots_set_closed(true, s, seq, call_stack_of(seed));
}

#endif

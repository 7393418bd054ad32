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

/* A close of fd failed, `seq` as of slots_closing(). */
void call_close_failed(int fd, uint32_t seq, struct stack_seed seed);

/* A free slot, not of a standard fd, and no other thread. */
static INLINED bool call_is_plain(int fd, const struct record_slot *s)
{
	return likely(s->state != SLOT_open) && likely(fd > 2) && likely(__libc_single_threaded);
}

/* The site has one more, with this name. */
static INLINED void call_born_at(struct record_site *site, const struct slots_birth *b)
{
	record_poke(&site->last_ns, b->now_ns);
	record_poke(&site->target, b->target);
	site->kind = b->kind;
}

static INLINED void call_born_plainly(struct record_slot *s, const struct slots_birth *b,
				      struct record_site *site)
{
	call_born_at(site, b);
	slots_fill_in(true, s, b);
	slots_count_plain_birth(b, site);
}

/* O_TMPFILE has the bit of O_DIRECTORY, and makes a file. */
static inline enum record_kind call_open_kind(int flags)
{
	return flags & O_DIRECTORY && (flags & O_TMPFILE) != O_TMPFILE ? KIND_dir : KIND_file;
}

static inline uint32_t call_open_flags(int flags)
{
	return (flags & O_NONBLOCK ? SLOT_NONBLOCK : 0u) | (flags & O_CLOEXEC ? SLOT_CLOEXEC : 0u);
}

/*
 * open() made `fd`. false: nothing is done yet, and it is call_birth()'s. Takes what
 * stack_memo_find() said in place of the seed, which would have to be kept meanwhile. That
 * something is ready is told by there being a slot.
 */
static INLINED bool call_opened(const struct call_what *w, int fd, struct stack_kept known)
{
	struct slots_birth b = {.call = w->call, .site = known.note};
	struct record_site *site = store_site_at(known.note);
	struct record_slot *s = slots_near(fd);

	if (unlikely(!s) || unlikely(self_vforked()) || unlikely(slots_births_apart) ||
	    unlikely(!call_is_plain(fd, s)) || unlikely(!known.note) ||
	    unlikely(!store_site_is(site, known.id, w->call, 0)))
		return false;
	b.now_ns = self_now_coarse();
	b.target = site->target;
	if (w->at != AT_FDCWD || unlikely(!store_path_is(b.target, w->path, false)))
		b.target = call_target(w, NULL);
	b.kind = (uint8_t)call_open_kind(w->flags);
	b.flags = call_open_flags(w->flags);
	call_born_plainly(s, &b, site);
	return true;
}

/* ---- deaths -----------------------------------------------------------------------------------
 */

/* Before a real close of fd. NULL: it is to be called with call_closing() and call_closed(). */
static INLINED struct record_slot *call_closes(int fd, uint32_t *ret_seq)
{
	struct record_slot *s = slots_near(fd);

	if (unlikely(!s) || unlikely(self_vforked()) || unlikely(!__libc_single_threaded) ||
	    unlikely(s->failed) ||
	    unlikely(s->flags & (SLOT_LOCKED | SLOT_INHERITED | SLOT_UNSEEN)))
		return NULL;
	if (unlikely(!slots_set_closing(true, s, ret_seq)))
		return NULL;
	slots_count_own_death(true, s->site, self_now_coarse());
	return s;
}

#endif

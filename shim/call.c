/* SPDX-License-Identifier: MIT */
/*
 * call.c - see call.h. Puts what a call did to fds into the record: used, born, named, closed.
 * Judges nothing: that is the tool's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "call.h"
#include "call_births.h"
#include "child.h"
#include "config.h"
#include "quarantine.h"

COLD bool call_begin(void)
{
	int saved = errno;

	child_begin();
	errno = saved;
	return self_gate.state == SELF_ready;
}

static uint32_t new_stack(const struct stack_seed *seed, bool *ret_kept)
{
	uint64_t pc[RECORD_STACK_MAX];
	struct stack_reads reads;
	struct stack_end end;
	int saved = errno;
	uint32_t id;
	unsigned n;
	bool keep;

	*ret_kept = false;
	if (!config.depth)
		return 0;
	keep = stack_memo_wants(seed);
	n = stack_capture_reads(seed, pc, config.depth, &end, keep ? &reads : NULL);
	id = store_stack(pc, n, end.flags, end.hash);
	if (id && keep)
		stack_memo_put(seed, id, &reads);
	*ret_kept = keep;
	errno = saved;
	return id;
}

WARM uint32_t call_stack_new(struct stack_seed seed)
{
	bool kept;

	return new_stack(&seed, &kept);
}

WARM struct call_site call_site_find(struct stack_seed seed, uint32_t stack, uint16_t call,
				     uint16_t error)
{
	struct call_site ret = {NULL, 0};
	bool kept = stack;

	if (!stack)
		stack = new_stack(&seed, &kept);
	ret.site = store_site(stack, call, error, &ret.id);
	if (ret.site && kept)
		stack_memo_note(&seed, stack, ret.id);
	return ret;
}

WARM void call_used(int fd)
{
	struct record_slot *s;
	int saved = errno;

	if (call_ready()) {
		s = slots_at(fd);
		if (s && s->uses & SLOT_USE_PENDING)
			call_fate_succeeded(s); /* slots_use() did count it */
		else
			slots_use(fd);
	}
	errno = saved;
}

/* ---- births and deaths ------------------------------------------------------------------------
 */

/* Among threads, where something is odd about the number, or its slot is to be made. */
static WARM void born_apart(int fd, const struct slots_birth *b)
{
	if (b->site)
		call_born_at(store_site_at(b->site), b);
	if (unlikely(fd <= 2))
		call_misuse_standard(fd, b);
	if (quarantine_has(fd)) /* closed unseen, and here again */
		quarantine_forget((uint32_t)fd, (uint32_t)fd);
	slots_birth(fd, b);
	store_series(b->now_ns, record_peek(&store.head->fds_open), 0);
}

WARM void call_birth(const struct call_what *w, int fd, enum record_kind kind, uint32_t slot_flags,
		     const struct stack_seed *seed)
{
	struct slots_birth b = {.call = w->call, .kind = (uint8_t)kind, .flags = slot_flags};
	struct record_slot *from, *s;
	struct call_site at;

	if (unlikely(!call_ready()))
		return;
	b.now_ns = slots_now();
	at = call_site(*seed, w->call, 0);
	b.site = at.id;
	from = w->fd >= 0 ? slots_at(w->fd) : NULL; /* the listener of an accept */
	if (from)
		slots_touch(from);
	if (from && kind == KIND_unknown)
		b.kind = from->kind;
	if (likely(at.site) && w->path && w->at == AT_FDCWD &&
	    likely(store_path_is(at.site->target, w->path, true)))
		b.target = at.site->target;
	else
		b.target = call_target(w, slots_if_open(from));
	s = slots_at(fd);
	if (likely(s) && likely(at.site) && !quarantine_room && call_is_plain(fd, s))
		call_born_plainly(s, &b, at.site);
	else
		born_apart(fd, &b);
}

WARM void call_dup(uint16_t call, int from, int to, uint32_t slot_flags,
		   const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = from};
	const uint32_t shared = SLOT_NONBLOCK | SLOT_LISTENING | SLOT_CONNECTED | SLOT_SNDTIMEO |
				SLOT_RCVTIMEO | SLOT_LEASED;
	struct record_slot *s, *t;

	if (!call_ready())
		return;
	s = slots_at(from);
	if (s) {
		slots_set_flags(from, SLOT_SHARED, 0);
		slot_flags |= (s->flags & shared) | SLOT_SHARED;
	}
	t = slots_at(to);
	if (t && t->state == SLOT_open) { /* dup2 closes its target */
		call_fate_closed(t);
		slots_lost(to, 0, false);
	}
	call_birth(&w, to, KIND_unknown, slot_flags, seed);
	t = slots_at(to);
	if (s && t) {
		t->mode_nonblock = s->mode_nonblock;
		t->mode_send = s->mode_send;
		t->mode_receive = s->mode_receive;
	}
	slots_raced(to);
}

WARM uint32_t call_closing(int fd)
{
	struct record_slot *s;

	if (unlikely(!call_ready()))
		return 0;
	s = slots_at(fd);
	if (unlikely(!s) || unlikely(s->state != SLOT_open))
		return 0;
	call_fate_closed(s);
	return slots_closing(s);
}

COLD void call_close_failed(int fd, uint32_t seq, struct stack_seed seed)
{
	const struct call_what w = {.call = CALL_close, .fd = fd};
	int saved = errno;

	if (call_ready()) {
		if (saved == EBADF && seq)
			store_unseen(false, slots_at(fd)->kind);
		else if (saved == EBADF)
			call_misuse(&w, &seed);
	}
	errno = saved;
}

WARM void call_closed(int fd, uint32_t seq, int r, const struct stack_seed *seed)
{
	if (unlikely(!call_ready()))
		return;
	if (likely(seq)) /* closed also when close() says EINTR or EIO: close(2) */
		slots_closed(fd, seq, call_stack(seed));
	if (unlikely(r))
		call_close_failed(fd, seq, *seed);
	else
		slots_raced(fd);
}

COLD void call_close_range(unsigned first, unsigned last, const struct stack_seed *seed)
{
	uint32_t stack;
	int end;

	if (!call_ready())
		return;
	end = slots_end();
	stack = call_stack(seed);
	quarantine_forget(first, last);
	for (unsigned fd = first; fd <= last && fd < (unsigned)end; fd++) {
		struct record_slot *s = slots_at((int)fd);

		if (!s || s->state != SLOT_open)
			continue;
		call_fate_closed(s);
		slots_closed((int)fd, slots_closing(s), stack);
	}
}

COLD void call_address(int fd, const void *addr, uint32_t bytes, uint32_t set)
{
	struct record_slot *s;
	struct record_site *site;
	int saved = errno;
	uint32_t target;

	if (!call_ready())
		return;
	s = slots_at(fd);
	target = s && s->state == SLOT_open ? call_address_string(addr, bytes) : 0;
	if (target) {
		record_poke(&s->target, target);
		site = s->site ? store_site_at(s->site) : NULL;
		if (site)
			record_poke(&site->target, target);
		slots_set_flags(fd, set, 0);
		slots_touch(s);
	}
	errno = saved;
}

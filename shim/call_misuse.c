/* SPDX-License-Identifier: MIT */
/*
 * call_misuse.c - EBADF on a number that this process had open and closed: a double close or a use
 * after close. A loop that closes numbers without knowing them is neither; it shows itself by
 * closing neighbours from one place.
 */
#include <errno.h>
#include "call.h"

#define LOOP_RUN 3

static THREAD struct {
	uintptr_t pc;
	int fd;
	uint32_t run;   /* neighbours in a row, from the same place */
	uint32_t count; /* of them, counted as misuse */
	uint32_t site;
} loop;

/* Is this close part of a loop over numbers? Takes back what was counted before that was clear. */
static bool in_loop(int fd, uintptr_t pc)
{
	bool next = pc == loop.pc && (fd == loop.fd + 1 || fd == loop.fd - 1);

	loop.run = next ? loop.run + 1 : 0;
	loop.pc = pc;
	loop.fd = fd;
	if (loop.run < LOOP_RUN) {
		if (!next)
			loop.count = 0;
		return false;
	}
	if (loop.count) {
		struct record_site *s = store_site_at(loop.site);

		self_add64(&s->count, -(uint64_t)loop.count);
		self_add64(&store.head->misuses, -(uint64_t)loop.count);
		s->flags |= SITE_LOOP;
		loop.count = 0;
	}
	return true;
}

static void record(const struct call_what *w, const struct record_slot *s, uint32_t stack)
{
	uint64_t now = self_now_coarse(), seq;
	struct record_event *e;
	uint32_t id;
	struct record_site *site = store_site(stack, w->call, EBADF, &id);

	if (!site)
		return;
	if (!site->count)
		site->first_ns = now;
	site->last_ns = now;
	site->target = s->target;
	site->kind = s->kind;
	site->birth_stack = s->site ? store_site_at(s->site)->stack : 0;
	site->death_stack = s->close_stack;
	self_add64(&site->count, 1);
	self_add64(&store.head->misuses, 1);
	loop.site = id;
	loop.count++;
	e = store_event_begin(&seq);
	if (!e)
		return;
	*e = (struct record_event){.time_ns = now,
				   .tid = self_tid(),
				   .call = w->call,
				   .error = EBADF,
				   .fd = w->fd,
				   .site = id,
				   .target = s->target,
				   .type = EVENT_misuse,
				   .kind = s->kind};
	store_event_end(e, seq);
}

void call_misuse(const struct call_what *w, const struct stack_seed *seed)
{
	const struct record_slot *s = slots_at(w->fd);
	bool loops = w->call == CALL_close && in_loop(w->fd, seed->pc);

	if (s && s->state == SLOT_closed && !loops)
		record(w, s, call_stack(seed));
}

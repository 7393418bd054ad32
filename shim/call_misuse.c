/* SPDX-License-Identifier: MIT */
/*
 * call_misuse.c - EBADF on a number that this process had open and closed: a double close or a use
 * after close. A loop that closes numbers without knowing them is neither; it shows itself by
 * closing neighbours from one place. And standard numbers that something else got.
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

static void add_event(const struct call_what *w, uint16_t error, uint32_t site, uint32_t target,
		      uint8_t kind, uint64_t now)
{
	uint64_t seq;
	struct record_event *e = store_event_begin(false, &seq);

	if (!e)
		return;
	*e = (struct record_event){.time_ns = now,
				   .tid = self_tid(),
				   .call = w->call,
				   .error = error,
				   .fd = w->fd,
				   .site = site,
				   .target = target,
				   .type = EVENT_misuse,
				   .kind = kind};
	store_event_end(e, seq);
}

static void count(struct record_site *site, uint32_t target, uint8_t kind, uint64_t now)
{
	if (!site->count)
		site->first_ns = now;
	site->last_ns = now;
	site->target = target;
	site->kind = kind;
	self_add64(&site->count, 1);
	self_add64(&store.head->misuses, 1);
}

static void record(const struct call_what *w, const struct record_slot *s, uint32_t stack)
{
	uint64_t now = self_now_coarse();
	uint32_t id;
	struct record_site *site = store_site(stack, w->call, EBADF, &id);

	if (!site)
		return;
	count(site, s->target, s->kind, now);
	site->birth_stack = s->site ? store_site_at(s->site)->stack : 0;
	site->death_stack = s->close_stack;
	loop.site = id;
	loop.count++;
	add_event(w, EBADF, id, s->target, s->kind, now);
}

void call_misuse(const struct call_what *w, const struct stack_seed *seed)
{
	const struct record_slot *s = slots_at(w->fd);
	bool loops = w->call == CALL_close && in_loop(w->fd, seed->pc);

	if (s && s->state == SLOT_closed && !loops)
		record(w, s, call_stack(seed));
}

/* ---- 0, 1 and 2 -------------------------------------------------------------------------------
 */

/* Programs open a log or /dev/null there, and dup what they like; that is meant. */
static bool is_stray(uint8_t kind, unsigned call)
{
	static const uint64_t fine = 1u << KIND_unknown | 1u << KIND_file | 1u << KIND_dir |
				     1u << KIND_device | 1u << KIND_tty | 1u << KIND_fifo;

	return !(fine >> kind & 1) && call != CALL_dup && call != CALL_dup2 && call != CALL_dup3 &&
	       call != CALL_fcntl;
}

void call_misuse_standard(int fd, const struct slots_birth *b)
{
	const struct call_what w = {.call = CALL_close, .fd = fd};
	const struct record_slot *s = slots_at(fd);
	struct record_site *site;
	uint32_t id;

	if (!s || s->state != SLOT_closed || !s->close_stack || !is_stray(b->kind, b->call))
		return;
	if (!(s->flags & SLOT_INHERITED) && is_stray(s->kind, s->call))
		return; /* a stray stood there before, and was told */
	site = store_site(s->close_stack, CALL_close, RECORD_ERROR_STANDARD, &id);
	if (!site)
		return;
	count(site, b->target, b->kind, b->now_ns);
	site->birth_stack = b->site ? store_site_at(b->site)->stack : 0;
	site->value = (uint32_t)fd;
	add_event(&w, RECORD_ERROR_STANDARD, id, b->target, b->kind, b->now_ns);
}

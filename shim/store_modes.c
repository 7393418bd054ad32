/* SPDX-License-Identifier: MIT */
/*
 * store_modes.c - the places that set O_NONBLOCK, timeouts and backlogs, and the open file
 * descriptions that others may share. Few places do, so they are searched one by one, the latest
 * first.
 */
#include "store.h"

static bool same(const struct record_mode *a, const struct record_mode *b, bool value)
{
	return record_observe(&a->mode) == b->mode && a->stack == b->stack && a->pid == b->pid &&
	       (!value || a->value == b->value);
}

static uint32_t find(const struct record_mode *m, bool value)
{
	for (uint64_t i = record_peek(&store.head->part[PART_modes].used); i-- > 0;)
		if (same(store_mode_at((uint32_t)i + 1), m, value))
			return (uint32_t)i + 1;
	return 0;
}

static uint32_t put(const struct record_mode *m)
{
	uint32_t id = 0;
	const struct record_part *p = &store.head->part[PART_modes];

	if (record_peek(&p->used) < p->size_bytes / sizeof(*m))
		id = store_take_item(PART_modes, sizeof(*m));
	if (!id) /* a place that passes another value every time keeps the latest */
		return find(m, false);
	store_mode_at(id)->stack = m->stack;
	store_mode_at(id)->pid = m->pid;
	store_mode_at(id)->value = m->value;
	record_publish(&store_mode_at(id)->mode, m->mode); /* MODE_unknown until here */
	return id;
}

uint32_t store_mode(const struct record_mode *m)
{
	uint32_t id = find(m, true);
	struct record_mode *to;

	if (!id)
		id = put(m);
	if (!id) {
		store_missed(MISS_mode_space);
		return 0;
	}
	to = store_mode_at(id);
	record_poke(&to->value, m->value);
	record_poke(&to->time_ns, m->time_ns);
	record_poke(&to->kind, m->kind);
	record_poke(&to->target, m->target);
	record_poke(&to->fd, m->fd);
	self_add64(&to->count, 1);
	return id;
}

static bool same_description(const struct record_shared *a, const struct record_shared *b)
{
	return a->inode == b->inode && a->dev == b->dev && a->kind == b->kind &&
	       a->access == b->access;
}

/* The entry of this mode of this description; else a new one; else the oldest. */
static struct record_shared *entry(const struct record_shared *like, enum facts_mode mode)
{
	struct record_shared *x = store_part(PART_shared), *oldest = NULL;
	uint64_t n = record_peek(&store.head->part[PART_shared].used);
	uint32_t id = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (same_description(&x[i], like) && store_mode_at(x[i].mode)->mode == mode)
			return &x[i];
		if (!oldest || x[i].time_ns < oldest->time_ns)
			oldest = &x[i];
	}
	if (n < store.head->part[PART_shared].size_bytes / sizeof(*x))
		id = store_take_item(PART_shared, sizeof(*x));
	return id ? x + id - 1 : oldest;
}

void store_shared(const struct record_shared *like, enum facts_mode mode)
{
	struct record_shared *x = entry(like, mode);

	if (!x) {
		store_missed(MISS_mode_space);
		return;
	}
	record_poke(&x->inode, 0);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* 0 is seen before any new field is */
	x->dev = like->dev;
	x->time_ns = like->mode ? like->time_ns : 0;
	x->mode = like->mode;
	x->kind = like->kind;
	x->access = like->access;
	x->slot_flags = like->slot_flags;
	/* pairs with the reader's observe of inode */
	record_publish(&x->inode, like->mode ? like->inode : 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * store_sites.c - sites and the ring of events: what happened where, counted.
 */
#include "store.h"

struct key {
	uint32_t stack;
	uint16_t call, error;
};

static bool same(uint32_t id, const void *key)
{
	const struct key *k = key;

	return store_site_is(store_site_at(id), k->stack, k->call, k->error);
}

/* The sites seen last, by stack and call: an id says by itself whether it is the one. */
#define RECENT 256u
AT_START static uint32_t recent[RECENT];
static uint32_t small[512], middle[8192], big[32768];
static struct store_index index_ = {{{small, 512, 0}, {middle, 8192, 0}, {big, 32768, 0}}, same};

static uint32_t put(const struct key *k)
{
	uint32_t id = store_take_item(PART_sites, sizeof(struct record_site));
	struct record_site *s;

	if (!id) {
		store_missed(MISS_site_space);
		return 0;
	}
	s = store_site_at(id);
	s->stack = k->stack;
	s->error = k->error;
	record_publish(&s->call, k->call); /* 0 until here: the reader skips the site */
	return id;
}

static uint32_t find(const struct key *k)
{
	uint32_t *place;
	uint32_t hash = store_hash(k, sizeof(*k), 0), id;

	do {
		id = store_index_find(&index_, hash, k, &place);
		if (id)
			break;
		id = put(k);
		if (!id || !place)
			break;
		id = store_index_add(&index_, place, hash, id, k);
	} while (!id);
	return id;
}

/* Beside each stack stands its latest site: most have one. After a fork it may not be there yet. */
static uint32_t beside(const struct key *k)
{
	uint32_t id = k->stack ? record_peek(&store_stack_at(k->stack)->site) : 0;

	return id <= record_peek(&store.head->part[PART_sites].used) ? id : 0;
}

static WARM uint32_t elsewhere(const struct key *k)
{
	uint32_t *last = &recent[(k->stack ^ k->call) % RECENT];
	uint32_t id = record_peek(last);

	if (!id || !same(id, k))
		id = find(k);
	record_poke(last, id);
	if (k->stack)
		record_poke(&store_stack_at(k->stack)->site, id);
	return id;
}

WARM struct record_site *store_site(uint32_t stack, uint16_t call, uint16_t error, uint32_t *ret_id)
{
	const struct key k = {.stack = stack, .call = call, .error = error};
	uint32_t id = beside(&k);

	if (unlikely(!id) || unlikely(!same(id, &k)))
		id = elsewhere(&k);
	*ret_id = id;
	return id ? store_site_at(id) : NULL;
}

COLD bool store_event_grow(uint64_t n)
{
	const struct record_part *p = &store.head->part[PART_ring];
	uint64_t real;

	if (!store_real(PART_ring, ((n & store.ring_last) + 1) * sizeof(struct record_event)))
		return false;
	real = record_peek(&p->real_bytes);
	record_poke(&store.ring_real,
		    real < p->size_bytes ? real / sizeof(struct record_event) : UINT64_MAX);
	return true;
}

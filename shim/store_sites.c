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
	const struct record_site *s = store_site_at(id);
	const struct key *k = key;

	return s->stack == k->stack && s->call == k->call && s->error == k->error;
}

AT_START uint32_t store_recent[STORE_RECENT];
static uint32_t small[512], big[32768];
static struct store_index index_ = {small, big, 512, 32768, 0, same};

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

WARM struct record_site *store_site_other(uint32_t stack, uint16_t call, uint16_t error,
					  uint32_t *ret_id)
{
	struct key k = {.stack = stack, .call = call, .error = error};
	uint32_t *place;
	uint32_t hash, id;

	hash = store_hash(&k, sizeof(k), 0);
	do {
		id = store_index_find(&index_, hash, &k, &place);
		if (id)
			break;
		id = put(&k);
		if (!id || !place)
			break;
		id = store_index_add(&index_, place, id, &k);
	} while (!id);
	record_poke(&store_recent[(stack ^ call) % STORE_RECENT], id);
	*ret_id = id;
	return id ? store_site_at(id) : NULL;
}

bool store_event_grow(uint64_t n)
{
	return store_real(PART_ring, (n + 1) * sizeof(struct record_event));
}

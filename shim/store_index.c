/* SPDX-License-Identifier: MIT */
/*
 * store_index.c - hash indexes from content to id, lock-free, in the shim's own memory: the reader
 * of a record does not need them, and a fork child inherits them by copy-on-write.
 */
#include <string.h>
#include "store.h"

#define PROBES 64u

uint32_t store_hash(const void *data, size_t bytes, uint32_t seed)
{
	const unsigned char *p = data;
	uint64_t h = seed ^ (bytes * 0x9e3779b97f4a7c15u);
	uint64_t word;

	for (; bytes >= 8; bytes -= 8, p += 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, p, bytes);
	h = (h ^ word) * 0xc4ceb9fe1a85ec53u;
	h ^= h >> 29;
	return (uint32_t)h | 1;
}

/* A word of a table: the id, and above it the top of its hash, so that few others are looked at. */
#define ID_MASK ((1u << STORE_ID_BITS) - 1)

static inline bool is_it(struct store_index *x, uint32_t word, uint32_t hash, const void *key)
{
	return !((word ^ hash) & ~ID_MASK) && x->same(word & ID_MASK, key);
}

static uint32_t probe(struct store_index *x, const struct store_table *t, uint32_t hash,
		      const void *key, uint32_t **ret_place)
{
	for (uint32_t i = 0; i < PROBES; i++) {
		uint32_t *place = &t->words[(hash + i) & (t->size - 1)];
		uint32_t word = record_observe(place); /* pairs with store_index_add */

		if (word && !is_it(x, word, hash, key))
			continue;
		if (!word)
			*ret_place = place;
		return word & ID_MASK;
	}
	return 0;
}

/* A table is left when it is half full; behind the first that is not there is nothing. */
uint32_t store_index_find(struct store_index *x, uint32_t hash, const void *key,
			  uint32_t **ret_place)
{
	for (struct store_table *t = x->table; t < x->table + STORE_TABLES; t++) {
		uint32_t *place = NULL;
		bool last = t == &x->table[STORE_TABLES - 1];
		bool open = last || record_peek(&t->count) < t->size / 2;
		uint32_t id = probe(x, t, hash, key, &place);

		*ret_place = place;
		if (id || (open && place))
			return id;
	}
	return 0;
}

static void count(struct store_index *x, const uint32_t *place)
{
	for (struct store_table *t = x->table; t < x->table + STORE_TABLES; t++)
		if (place >= t->words && place < t->words + t->size)
			__atomic_fetch_add(&t->count, 1, __ATOMIC_RELAXED);
}

uint32_t store_index_add(struct store_index *x, uint32_t *place, uint32_t hash, uint32_t id,
			 const void *key)
{
	uint32_t other = 0;

	/* Release: what the id names is complete; pairs with the observe in probe(). */
	if (__atomic_compare_exchange_n(place, &other, (hash & ~ID_MASK) | id, false,
					__ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
		count(x, place);
		return id;
	}
	return is_it(x, other, hash, key) ? other & ID_MASK : 0;
}

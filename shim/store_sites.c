/* SPDX-License-Identifier: MIT */
/*
 * store_sites.c - sites, the ring of events and the time series: what happened where, counted.
 */
#include <string.h>
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

/* ---- time series: a fixed number of buckets whose width doubles when time runs out of them ------
 */

#define FIRST_WIDTH_NS 1000000000u

static uint32_t add(uint32_t a, uint32_t b)
{
	return a + b;
}

static uint32_t highest(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Of two that were seen; 0 is "no change". */
static uint32_t lowest(uint32_t a, uint32_t b)
{
	return !a || (b && b < a) ? b : a;
}

static void fold(uint32_t *series, uint32_t (*join)(uint32_t a, uint32_t b))
{
	for (unsigned i = 0; i < RECORD_SERIES / 2; i++)
		series[i] = join(series[2 * i], series[2 * i + 1]);
	memset(series + RECORD_SERIES / 2, 0, RECORD_SERIES / 2 * sizeof(series[0]));
}

/* The bucket of `now`. Two threads that fold at once can misplace a count by one bucket; no more.
 */
static uint64_t bucket_find(uint64_t now_ns);

/* The coarse clock stands still for milliseconds: no division then. */
static inline uint64_t bucket(uint64_t now_ns)
{
	static uint64_t last_ns, last;

	if (now_ns != record_peek(&last_ns)) {
		record_poke(&last, bucket_find(now_ns));
		record_poke(&last_ns, now_ns);
	}
	return record_peek(&last);
}

static uint64_t bucket_find(uint64_t now_ns)
{
	struct record_header *h = store.head;
	uint64_t age = now_ns > h->created_ns ? now_ns - h->created_ns : 0;

	for (;;) {
		uint64_t width = record_peek(&h->series_width_ns);

		if (age / width < RECORD_SERIES)
			return age / width;
		if (!__atomic_compare_exchange_n(&h->series_width_ns, &width, width * 2, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		fold(h->series_open, highest);
		fold(h->series_eagains, add);
	}
}

void store_series(uint64_t now_ns, uint32_t fds_open, uint32_t eagains)
{
	uint64_t i = bucket(now_ns);

	if (fds_open > record_peek(&store.head->series_open[i]))
		record_poke(&store.head->series_open[i], fds_open);
	if (eagains)
		self_add32(&store.head->series_eagains[i], eagains);
}

void store_site_series(struct record_site *s, uint64_t now_ns, bool born)
{
	uint64_t i = bucket(now_ns);
	uint32_t least = record_peek(&s->open) + !born; /* of before and after, + 1 */
	uint64_t times = record_peek(&store.head->series_width_ns) / FIRST_WIDTH_NS;
	uint32_t shift = (uint32_t)__builtin_ctzll(times ? times : 1);

	for (; s->series_shift < shift; s->series_shift++)
		fold(s->series, lowest);
	record_poke(&s->series[i], lowest(record_peek(&s->series[i]), least));
}

/* SPDX-License-Identifier: MIT */
/*
 * store_series.c - time series: a fixed number of buckets whose width doubles when time runs out of
 * them. Which bucket it is now is asked here when the clock has moved; what goes into it is in
 * store.h.
 */
#include <string.h>
#include "store.h"

#define FIRST_WIDTH_NS 1000000000u

AT_START struct store_tick store_tick;

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

/* Two threads that fold at once can misplace a count by one bucket; no more. */
static uint64_t bucket(uint64_t now_ns)
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

WARM void store_tick_new(uint64_t now_ns)
{
	uint32_t i = (uint32_t)bucket(now_ns);
	uint64_t times = record_peek(&store.head->series_width_ns) / FIRST_WIDTH_NS;

	record_poke(&store_tick.bucket, i);
	record_poke(&store_tick.shift, (uint32_t)__builtin_ctzll(times ? times : 1));
	record_poke(&store_tick.ns, now_ns);
}

WARM void store_site_tick(struct record_site *s, uint64_t now_ns)
{
	uint32_t shift;

	if (now_ns != record_peek(&store_tick.ns))
		store_tick_new(now_ns);
	shift = record_peek(&store_tick.shift);
	for (; s->series_shift < shift; s->series_shift++)
		fold(s->series, lowest);
}

WARM void store_site_first(struct record_site *s, uint32_t bucket, uint64_t now_ns)
{
	record_poke(&s->series[bucket], record_peek(&s->open));
	if (!s->first_ns)
		record_poke(&s->first_ns, now_ns);
}

WARM void store_most_open(uint32_t bucket)
{
	struct record_header *h = store.head;
	uint32_t open = record_peek(&h->fds_open);

	record_poke(&h->series_open[bucket], open);
	if (open > record_peek(&h->fds_peak))
		record_poke(&h->fds_peak, open);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_verdict_histories.c - lives of one birth site, simulated event by event through the shim's
 * own series and judged by the tool, from twenty seconds to a year. Healthy ones are judged at
 * twenty instants of their later half, not only at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "store.h"
#include "verdict.h"

#define SECOND 1000000000ull
#define OPEN_MAX 4096

static const uint64_t uptimes[] = {20 * SECOND, 600 * SECOND, 86400 * SECOND, 30 * 86400 * SECOND,
				   365 * 86400 * SECOND};

struct life {
	uint64_t span_ns, now_ns, created_ns;
	unsigned steps;              /* births and deaths */
	unsigned leak_of;            /* one in so many births stays; 0 none */
	unsigned (*load)(double at); /* how many are wanted, at 0..1 of the span */
	unsigned spread;             /* and how far that varies */
	bool youngest;               /* those that close are the latest ones */
	unsigned renew;              /* after so many steps the oldest is closed, too; 0 never */
	struct record_site site;
	uint64_t birth[OPEN_MAX], leaked[OPEN_MAX];
	unsigned open, lost;
	uint32_t random;
};

static struct record_header head;
static uint64_t next_created = SECOND;

static uint32_t draw(struct life *l, uint32_t below)
{
	l->random = l->random * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)l->random * below >> 32);
}

static void born(struct life *l)
{
	l->site.count++;
	l->site.open++;
	if (l->site.open > l->site.open_peak)
		l->site.open_peak = l->site.open;
	if (l->leak_of && !draw(l, l->leak_of))
		l->leaked[l->lost++] = l->now_ns;
	else
		l->birth[l->open++] = l->now_ns;
	store_site_born(&l->site, store_site_bucket(&l->site, l->now_ns), l->now_ns);
}

static void died(struct life *l)
{
	unsigned i = l->youngest ? l->open - 1 : draw(l, l->open);

	l->birth[i] = l->birth[--l->open];
	l->site.deaths++;
	l->site.open--;
	store_site_died(&l->site, store_site_bucket(&l->site, l->now_ns));
}

/* Also while the number that is wanted does not change. */
static void died_oldest(struct life *l)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i < l->open; i++)
		if (l->birth[i] < l->birth[oldest])
			oldest = i;
	l->birth[oldest] = l->birth[l->open - 1];
	l->open--;
	l->site.deaths++;
	l->site.open--;
	store_site_died(&l->site, store_site_bucket(&l->site, l->now_ns));
}

static int oldest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

static size_t get_ages(const struct life *l, uint64_t *ret)
{
	size_t n = l->open + l->lost;

	for (unsigned i = 0; i < n; i++)
		ret[i] = l->now_ns - (i < l->open ? l->birth[i] : l->leaked[i - l->open]);
	qsort(ret, n, sizeof(*ret), oldest_first);
	return n;
}

static enum verdict_kind judge(const struct life *l)
{
	static uint64_t ages[2 * OPEN_MAX];
	struct verdict_in in = {.opened = l->site.count,
				.closed = l->site.deaths,
				.open = l->site.open,
				.peak = l->site.open_peak,
				.span_ns = l->now_ns - l->created_ns,
				.series_width_ns = SECOND << l->site.series_shift};
	struct verdict v;

	memcpy(in.series, l->site.series, sizeof(in.series));
	in.ages = ages;
	in.ages_count = get_ages(l, ages);
	verdict_judge(&in, &v);
	return v.kind;
}

/* Returns the worst verdict of the later half. */
static enum verdict_kind live(struct life *l, uint64_t span_ns)
{
	enum verdict_kind worst = VERDICT_expected, v;

	l->span_ns = span_ns;
	l->created_ns = next_created;
	next_created += span_ns + SECOND;
	l->random = 12345;
	head = (struct record_header){.created_ns = l->created_ns, .series_width_ns = SECOND};
	store.head = &head;
	for (unsigned i = 0; i < l->steps; i++) {
		double at = (double)i / l->steps;
		unsigned want = l->load(at) + (l->spread ? draw(l, l->spread) : 0);

		l->now_ns = l->created_ns + (uint64_t)(at * (double)span_ns);
		if (l->open < want)
			born(l);
		else if (l->open > want)
			died(l);
		if (l->renew && i % l->renew == 0 && l->open)
			died_oldest(l);
		if (i >= l->steps / 2 && i % (l->steps / 40) == 0) {
			v = judge(l);
			worst = v > worst ? v : worst;
		}
	}
	return worst;
}

#define ALL_UPTIMES(u) for (unsigned u = 0; u < sizeof(uptimes) / sizeof(uptimes[0]); u++)

static void expect_healthy(struct life proto)
{
	ALL_UPTIMES(u)
	{
		struct life *l = malloc(sizeof(*l));

		*l = proto;
		if (live(l, uptimes[u]) > VERDICT_steady)
			fail_msg("uptime %u is accused", u);
		free(l);
	}
}

static void expect_leak(struct life proto)
{
	ALL_UPTIMES(u)
	{
		struct life *l = malloc(sizeof(*l));

		*l = proto;
		live(l, uptimes[u]);
		if (judge(l) != VERDICT_leak)
			fail_msg("uptime %u, %u leaked: %s", u, l->lost, verdict_name(judge(l)));
		free(l);
	}
}

/* ---- healthy ----------------------------------------------------------------------------------
 */

static unsigned fifty(double at)
{
	(void)at;
	return 50;
}

static void a_constant_pool(void **state)
{
	(void)state;
	expect_healthy((struct life){.steps = 40000, .load = fifty});
}

static void heavy_churn_without_a_leak(void **state)
{
	(void)state;
	expect_healthy((struct life){.steps = 100000, .load = fifty, .spread = 30});
	expect_healthy((struct life){.steps = 100000, .load = fifty, .spread = 3});
	expect_healthy(
		(struct life){.steps = 100000, .load = fifty, .spread = 30, .youngest = true});
}

static void few_events(void **state)
{
	(void)state;
	expect_healthy((struct life){.steps = 400, .load = fifty, .spread = 30});
}

static unsigned warming(double at)
{
	return at < 0.3 ? (unsigned)(at * 300) : 90;
}

static void warm_up_then_flat(void **state)
{
	(void)state;
	expect_healthy((struct life){.steps = 40000, .load = warming, .spread = 2});
}

static unsigned teeth(double at)
{
	return (unsigned)(at * 7000) % 1000 / 10;
}

static void a_sawtooth(void **state)
{
	(void)state;
	expect_healthy((struct life){.steps = 40000, .load = teeth});
}

static unsigned bursts(double at)
{
	return at > 0.55 && at < 0.6 ? 700 : at > 0.9 ? 300 : 5;
}

static void bursts_of_load(void **state)
{
	(void)state;
	expect_healthy((struct life){.steps = 40000, .load = bursts, .spread = 5});
}

static unsigned morning(double at)
{
	return (unsigned)(10 + at * 400);
}

static void load_that_rises_all_the_time(void **state)
{
	(void)state;
	expect_healthy((struct life){.steps = 100000, .load = morning, .spread = 60});
}

static unsigned slowly_more(double at)
{
	return (unsigned)(4 + at * 20);
}

/* Most live for an instant, those in the pool a hundred times longer, but none for long. */
static void a_pool_of_connections_that_grows_and_is_renewed(void **state)
{
	(void)state;
	expect_healthy((struct life){
		.steps = 100000, .load = slowly_more, .spread = 3, .youngest = true, .renew = 400});
}

/* ---- leaks ------------------------------------------------------------------------------------
 */

static void one_in_ten_thousand_under_heavy_churn(void **state)
{
	(void)state;
	expect_leak((struct life){
		.steps = 600000, .load = fifty, .spread = 30, .leak_of = 10000, .youngest = true});
	expect_leak((struct life){.steps = 600000, .load = fifty, .spread = 30, .leak_of = 10000});
}

static unsigned one(double at)
{
	(void)at;
	return 1;
}

static void everything_leaks(void **state)
{
	(void)state;
	expect_leak((struct life){.steps = 500, .load = one, .leak_of = 1});
}

static unsigned reloads(double at)
{
	return 1 + (unsigned)(at * 12);
}

/* Each of twelve reloads opens one more and closes none. */
static void a_leak_at_each_reload(void **state)
{
	(void)state;
	expect_leak((struct life){.steps = 1200, .load = reloads});
}

static unsigned half_of_reloads(double at)
{
	unsigned tick = (unsigned)(at * 1200);

	return 1 + tick / 100 + (tick % 100 == 99);
}

/* Each opens two and closes one. */
static void a_leak_of_one_of_two_at_each_reload(void **state)
{
	(void)state;
	expect_leak((struct life){.steps = 1200, .load = half_of_reloads});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_constant_pool),
		cmocka_unit_test(heavy_churn_without_a_leak),
		cmocka_unit_test(few_events),
		cmocka_unit_test(warm_up_then_flat),
		cmocka_unit_test(a_sawtooth),
		cmocka_unit_test(bursts_of_load),
		cmocka_unit_test(load_that_rises_all_the_time),
		cmocka_unit_test(a_pool_of_connections_that_grows_and_is_renewed),
		cmocka_unit_test(one_in_ten_thousand_under_heavy_churn),
		cmocka_unit_test(everything_leaks),
		cmocka_unit_test(a_leak_at_each_reload),
		cmocka_unit_test(a_leak_of_one_of_two_at_each_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

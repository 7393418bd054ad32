/* SPDX-License-Identifier: MIT */
/*
 * rules_count.c - when=, per= and p=: counts per process, tree, site or thread, and the chance,
 * which is a hash of the seed and the count: the same seed gives the same schedule. Counts of a
 * fork child start at zero.
 */
#include <string.h>
#include "record.h"
#include "rules_count.h"
#include "self.h"

static struct rule_counts private_counts[RULES_MAX + 1];
struct rule_counts *rules_counts = private_counts;
struct rules_counts_file *rules_counts_file;
const struct rule_hit *rules_replay;

static uint64_t process_counts[RULES_MAX];
static THREAD struct thread_count {
	uint32_t rule; /* a place may have had another rule before */
	uint32_t count;
} thread_counts[RULES_MAX];
static THREAD uint32_t thread_number;
static uint32_t threads;
static uint64_t process_key = 1;

/* Counts per site: open addressing; a site that finds no place any more never acts. */
#define SITES 2048u
static struct site_count {
	uint64_t key; /* 0 free */
	uint64_t count;
} sites[SITES];

static uint64_t mix(uint64_t a, uint64_t b)
{
	a = (a ^ b) * 0xff51afd7ed558ccdu;
	a = (a ^ a >> 33) * 0xc4ceb9fe1a85ec53u;
	return a ^ a >> 29;
}

void rules_identify(const char *exe, int argc, char **argv)
{
	const char *slash = strrchr(exe, '/');
	uint64_t key = process_key;

	for (exe = slash ? slash + 1 : exe; *exe; exe++)
		key = mix(key, (unsigned char)*exe);
	for (int i = 1; i < argc; i++)
		for (const char *p = argv[i]; *p; p++)
			key = mix(key, (unsigned char)*p);
	process_key = key;
}

uint64_t rules_forking(void)
{
	return self_take64(&self_gate.forks) + 1;
}

void rules_forked(uint64_t number)
{
	process_key = mix(process_key, number);
	if (!rules_map.end) /* nothing was counted: these pages stay the parent's */
		return;
	threads = 0;
	thread_number = 0;
	memset(process_counts, 0, sizeof(process_counts));
	memset(thread_counts, 0, sizeof(thread_counts));
	memset(sites, 0, sizeof(sites));
}

void rules_count_from_zero(unsigned place)
{
	memset(&rules_counts[place], 0, sizeof(rules_counts[place]));
	process_counts[place] = 0;
}

void rules_count_alone(void)
{
	if (rules_counts == private_counts)
		return;
	memcpy(private_counts, rules_counts, sizeof(private_counts));
	rules_counts = private_counts;
	rules_counts_file = NULL;
}

void rules_add_count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static uint64_t up(uint64_t *counter)
{
	return __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static uint64_t site_up(uint64_t key)
{
	for (uint64_t i = 0; i < 64; i++) {
		struct site_count *s = &sites[(key + i) % SITES];
		uint64_t is = 0;

		if (record_peek(&s->key) == key ||
		    __atomic_compare_exchange_n(&s->key, &is, key, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED) ||
		    is == key)
			return up(&s->count);
	}
	return 0;
}

static uint64_t thread_up(struct thread_count *t, uint32_t rule)
{
	if (t->rule != rule)
		*t = (struct thread_count){.rule = rule};
	return ++t->count;
}

static uint64_t thread_key(void)
{
	if (!thread_number)
		thread_number = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
	return mix(process_key, thread_number);
}

static uint64_t count_up(const struct rule *r, unsigned place, struct rules_in *in,
			 uint64_t *ret_key)
{
	uint64_t tree = up(&rules_counts[place].matched);

	switch (r->per) {
	case PER_tree:
		*ret_key = 0;
		return tree;
	case PER_site:
		rules_need(in, RULES_STACK);
		*ret_key = mix(process_key, rules_stack_key(in)) | 1;
		return site_up(mix(*ret_key, r->id) | 1);
	case PER_thread:
		*ret_key = thread_key();
		return thread_up(&thread_counts[place], r->id);
	default:
		*ret_key = process_key;
		return up(&process_counts[place]);
	}
}

bool rules_counted(const struct rule *r, uint64_t n, uint64_t key, uint64_t seed)
{
	if (n < r->first || n > r->last || (n - r->first) % r->step)
		return false;
	return !r->p || (uint32_t)(mix(mix(seed, r->id), mix(key, n)) >> 32) < r->p;
}

static int compare(const struct rule_hit *h, uint32_t rule, uint64_t key, uint64_t n)
{
	if (h->rule != rule)
		return h->rule < rule ? -1 : 1;
	if (h->key != key)
		return h->key < key ? -1 : 1;
	return h->count == n ? 0 : h->count < n ? -1 : 1;
}

static bool replayed(const struct rule *r, uint64_t key, uint64_t n)
{
	uint32_t low = 0, high = rules_replay ? rules_map.replay_count : 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int c = compare(&rules_replay[middle], r->id, key, n);

		if (!c)
			return true;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* For a replay: which rule acted on which count of whom. */
static void note_hit(const struct rule *r, uint64_t key, uint64_t n)
{
	uint64_t at;

	if (!rules_counts_file)
		return;
	at = __atomic_fetch_add(&rules_counts_file->hits, 1, __ATOMIC_RELAXED);
	if (at < RULES_HITS)
		rules_counts_file->hit[at] =
			(struct rule_hit){.key = key, .rule = r->id, .count = (uint32_t)n};
}

bool rules_count(const struct rule *r, unsigned place, struct rules_in *in)
{
	uint64_t key, n = count_up(r, place, in, &key);
	bool acts = n && (r->flags & RULE_REPLAY ? replayed(r, key, n)
						 : rules_counted(r, n, key, rules_map.seed));

	if (!acts)
		return false;
	up(&rules_counts[place].acted);
	note_hit(r, key, n);
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * call_limit.c - no more fd can be had (EMFILE, ENFILE). Keeps, in the header of the record, what
 * was open the first time and when most was open; makes no fd and takes no space for that. Counts
 * failures that follow each other at once: a loop that burns CPU.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include "call.h"
#include "sysc.h"

#define RUN_NS 100000000u

static void count_kinds(struct record_limit *l)
{
	int end = slots_end();

	for (int fd = 0; fd < end; fd++) {
		const struct record_slot *s = slots_at(fd);

		if (!s)
			fd |= (int)RECORD_CHUNK_FDS - 1;
		if (!s || s->state != SLOT_open)
			continue;
		l->open++;
		l->inherited += (s->flags & (SLOT_INHERITED | SLOT_UNSEEN)) != 0;
		if (s->kind < RECORD_LIMIT_KINDS)
			l->kind[s->kind]++;
	}
}

/* Keeps the list sorted: most open first. */
static void offer(struct record_limit *l, uint32_t site, uint32_t open)
{
	unsigned i = RECORD_LIMIT_SITES;

	if (open <= l->top[i - 1].open)
		return;
	for (i--; i && l->top[i - 1].open < open; i--)
		l->top[i] = l->top[i - 1];
	l->top[i].site = site;
	l->top[i].open = open;
}

static void find_top(struct record_limit *l)
{
	uint32_t n = (uint32_t)record_peek(&store.head->part[PART_sites].used);

	for (uint32_t id = 1; id <= n; id++) {
		const struct record_site *s = store_site_at(id);

		if (s->call && !s->error)
			offer(l, id, record_peek(&s->open));
	}
}

static void keep(struct record_limit *to, const struct record_limit *l)
{
	uint32_t seq = record_peek(&to->seq) | 1;

	record_poke(&to->seq, seq);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* odd is seen before any new field is */
	memcpy((char *)to + sizeof(to->seq), (const char *)l + sizeof(l->seq),
	       sizeof(*to) - sizeof(to->seq));
	record_publish(&to->seq, seq + 1); /* pairs with the reader's observe of seq */
}

static void set_nofile(uint64_t soft, uint64_t hard, enum record_nofile origin, uint32_t stack)
{
	struct record_header *h = store.head;

	record_poke(&h->nofile_soft, soft);
	record_poke(&h->nofile_hard, hard);
	record_poke(&h->nofile_stack, stack);
	record_poke(&h->nofile_origin, (uint32_t)origin);
}

static void take(const struct record_site *site, uint32_t id, uint64_t now_ns)
{
	struct record_limit l = {.error = site->error, .time_ns = now_ns, .site = id};
	struct record_header *h = store.head;
	struct rlimit files = {0, 0};

	if (!self_gate.seccomp && !sysc(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &files) &&
	    (files.rlim_cur != h->nofile_soft || files.rlim_max != h->nofile_hard))
		set_nofile(files.rlim_cur, files.rlim_max, NOFILE_outside, 0);
	l.soft = h->nofile_soft;
	l.hard = h->nofile_hard;
	l.nofile_origin = h->nofile_origin;
	l.nofile_stack = h->nofile_stack;
	count_kinds(&l);
	find_top(&l);
	if (!h->limit_first.error)
		keep(&h->limit_first, &l);
	keep(&h->limit_worst, &l);
}

void call_limit(struct record_site *site, uint32_t id, uint64_t now_ns)
{
	const struct record_header *h = store.head;
	uint64_t before = site->before_ns;

	site->before_ns = now_ns;
	if (!h->limit_first.error || record_peek(&h->fds_open) > h->limit_worst.open)
		take(site, id, now_ns);
	if (!before || now_ns - before > RUN_NS)
		return;
	self_add64(&site->fate[FATE_spun], 1);
	self_add64(&site->waited_ns, now_ns - before);
}

COLD void call_nofile(uint64_t soft, uint64_t hard, const struct stack_seed *seed)
{
	int saved = errno;

	if (call_ready())
		set_nofile(soft, hard, NOFILE_own, call_stack(seed));
	errno = saved;
}

/* SPDX-License-Identifier: MIT */
/*
 * run_why.c - the cause sentence of a line of `run --log`. What a read found empty is explained
 * from its own facts. What concerns others (a listener, a holder, a peer) is looked up in the whole
 * session and in /proc, as the report does: once for each place and whenever it has new facts, but
 * never for more than a twentieth of the time, for the ring runs on. Until then it is not told.
 */
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "names.h"
#include "record_read.h"
#include "run.h"
#include "util.h"

#define CREDIT_NS 50000000u /* may be spent at once */
#define SHARE 20u           /* 1 / 20 of the time */
#define ANSWERS_MAX 4096u

struct answer {
	uint32_t pid;
	uint64_t created_ns; /* of its record */
	uint32_t site;       /* as in the event */
	uint64_t facts_ns;   /* of the facts that it stands on */
	struct run_answer is;
};

struct run_why {
	const char *session;
	uint64_t began_ns, spent_ns;
	struct answer *answers;
	size_t count, room;
};

struct run_why *run_why_open(const char *session)
{
	struct run_why *w = util_alloc(1, sizeof(*w));

	w->session = session;
	w->began_ns = util_now_ns(CLOCK_MONOTONIC);
	return w;
}

void run_why_close(struct run_why *w)
{
	free(w->answers);
	free(w);
}

static struct answer *answer_of(struct run_why *w, const struct record_header *h, uint32_t site)
{
	struct answer *a;

	for (size_t i = w->count; i-- > 0;) {
		a = &w->answers[i];
		if (a->site == site && a->pid == h->pid && a->created_ns == h->created_ns)
			return a;
	}
	if (w->count == ANSWERS_MAX)
		w->count = 0; /* all are asked again */
	a = UTIL_PUSH(w->answers, w->count, w->room);
	*a = (struct answer){.pid = h->pid, .created_ns = h->created_ns, .site = site};
	return a;
}

static void keep(struct answer *a, const struct explanation *e)
{
	a->is.cause = e->cause;
	memcpy(a->is.sentence, e->sentence, sizeof(a->is.sentence));
}

/* ---- from its own facts -------------------------------------------------------------------------
 */

static bool concerns_others(const struct record_site *s, const struct record_facts *f)
{
	enum call_class class = call_class(s->call);

	if (class == CLASS_recv || class == CLASS_accept)
		return f && f->mode == MODE_rcvtimeo;
	return class != CLASS_other;
}

static void explain_alone(struct answer *a, const struct record *r, const struct record_site *s,
			  const struct record_facts *f)
{
	char *target = record_text(r, s->target);
	const struct explain_in in = {.call = s->call,
				      .kind = f && f->kind ? f->kind : s->kind,
				      .pid = (int)r->head.pid,
				      .target = target,
				      .facts = f,
				      .count = s->count};
	struct explanation e;

	explain(&in, &e);
	keep(a, &e);
	free(target);
}

/* ---- from the session ---------------------------------------------------------------------------
 */

static bool may_spend(const struct run_why *w)
{
	return w->spent_ns <= CREDIT_NS + (util_now_ns(CLOCK_MONOTONIC) - w->began_ns) / SHARE;
}

static const struct model_eagain *same_place(struct model *m, const struct record *r,
					     const struct record_site *s)
{
	uint32_t stack = model_stack(m, r, s->stack);

	for (size_t i = 0; i < m->eagains_count; i++)
		if (m->eagains[i].call == s->call && m->eagains[i].stack == stack)
			return &m->eagains[i];
	return NULL;
}

static void explain_in_session(struct run_why *w, struct answer *a, const struct record *r,
			       const struct record_site *s)
{
	const struct model_options all = {0};
	const struct model_eagain *e;
	uint64_t began = util_now_ns(CLOCK_MONOTONIC);
	struct model m;

	e = model_load(w->session, &all, &m) ? NULL : same_place(&m, r, s);
	if (e) {
		keep(a, &e->why);
		a->is.other_pid = e->other_pid;
		a->is.other_role = e->other_role;
		a->is.now_known = e->now_known;
		a->is.now_queue = e->now_queue;
		a->is.now_backlog = e->now_backlog;
	}
	model_free(&m);
	w->spent_ns += util_now_ns(CLOCK_MONOTONIC) - began;
}

const struct run_answer *run_why(struct run_why *w, const struct record *r, uint32_t site)
{
	const struct record_site *s = site ? record_site(r, site - 1) : NULL;
	const struct record_facts *f = s ? record_facts(r, s->facts) : NULL;
	struct answer *a;

	if (!s)
		return NULL;
	a = answer_of(w, &r->head, site);
	a->is.fresh = !a->is.cause || (f && f->time_ns != a->facts_ns);
	if (!a->is.fresh)
		return &a->is;
	if (!concerns_others(s, f)) {
		explain_alone(a, r, s, f);
	} else if (may_spend(w)) {
		explain_in_session(w, a, r, s);
	} else {
		a->is.fresh = false;
		return a->is.cause ? &a->is : NULL;
	}
	a->facts_ns = f ? f->time_ns : 0;
	return &a->is;
}

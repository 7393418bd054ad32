/* SPDX-License-Identifier: MIT */
/*
 * model.c - reads a session into struct model: one record after the other, each opened, merged and
 * closed, so that memory is bounded by what is distinct and not by how many processes there were.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "calls.h"
#include "names.h"
#include "record_read.h"
#include "session.h"
#include "util.h"

#define SERIES_WIDTH_NS 1000000000ull /* of a site that was never folded */

#define PATIENCE 100 /* half a second in all */

struct load {
	struct model *m;
	const struct model_options *options;
	struct record r;
	uint32_t process;  /* index */
	uint32_t *fds_of;  /* site of the record -> index into fds[] */
	uint32_t *open_of; /* site of the record -> its own slots that are open */
	bool alive;
	unsigned patience; /* see model_live_begin() */
	bool moved; /* a record had another name, or was another's, by the time it was read */
};

static uint64_t real_time(const struct record *r, uint64_t ns)
{
	return ns ? r->head.created_real_ns + (ns - r->head.created_ns) : 0;
}

static struct model_process *process_of(struct load *l)
{
	return &l->m->processes[l->process];
}

/* ---- the process ------------------------------------------------------------------------------
 */

static void add_image(struct load *l, struct model_process *p)
{
	const struct record_image *last = NULL;

	for (uint64_t i = 0; record_image(&l->r, i); i++)
		last = record_image(&l->r, i);
	if (!last)
		return;
	p->exe = record_text(&l->r, last->exe);
	p->argv = record_text(&l->r, last->argv);
}

static void add_process(struct load *l)
{
	const struct record_header *h = &l->r.head;
	struct model *m = l->m;
	struct model_process *p = UTIL_PUSH(m->processes, m->processes_count, m->processes_room);

	l->process = (uint32_t)m->processes_count - 1;
	*p = (struct model_process){
		.pid = (int)h->pid,
		.ppid = (int)h->ppid,
		.uid = h->uid,
		.comm = util_copy(h->comm),
		.start_ns = h->created_real_ns,
		.start_raw_ns = h->created_ns,
		.images = h->image_no,
		.births = h->births,
		.deaths = h->deaths,
		.eagains = record_eagains(&l->r),
		.misuses = h->misuses,
		.limits = h->limits,
		.fds_open = h->fds_open,
		.fds_peak = h->fds_peak,
		.nofile_soft = h->nofile_soft,
		.nofile_hard = h->nofile_hard,
		.series_width_ns = h->series_width_ns,
		.born_by = h->born_by,
		.status = -1,
		.signal = -1,
		.how = HOW_lost,
	};
	memcpy(p->series_open, h->series_open, sizeof(p->series_open));
	p->eagain_buckets = record_eagain_series(&l->r, p->series_eagains);
	add_image(l, p);
	if (h->state == STATE_exited) {
		p->how = HOW_exited;
		p->status = h->end_status;
		p->end_ns = real_time(&l->r, h->end_ns);
	} else if (l->alive) {
		p->how = HOW_running;
	}
}

/* ---- sites ------------------------------------------------------------------------------------
 */

static void earlier_later(uint64_t *first, uint64_t *last, uint64_t a, uint64_t z)
{
	if (a && (!*first || a < *first))
		*first = a;
	if (z > *last)
		*last = z;
}

/* Names in it come from whoever wrote the record. */
static void take_facts(struct model_eagain *e, const struct record_facts *f)
{
	e->facts = *f;
	e->facts.holder_comm[sizeof(f->holder_comm) - 1] = '\0';
	e->facts.peer_comm[sizeof(f->peer_comm) - 1] = '\0';
	util_clean(e->facts.holder_comm);
	util_clean(e->facts.peer_comm);
}

static void add_failure(struct load *l, const struct record_site *s)
{
	const struct record_facts *f = record_facts(&l->r, s->facts);
	struct model_eagain *e =
		model_eagain_at(l->m, s->call, s->error, model_stack(l->m, &l->r, s->stack));
	char *target = record_text(&l->r, s->target);

	e->count += s->count - s->injected;
	earlier_later(&e->first_ns, &e->last_ns, real_time(&l->r, s->first_ns),
		      real_time(&l->r, s->last_ns));
	model_pid_add(&e->pids, process_of(l)->pid);
	e->kind = s->kind;
	for (unsigned i = 0; i < FATE_COUNT; i++)
		e->fate[i] += s->fate[i];
	for (unsigned i = 0; i < 12; i++)
		e->wait_hist[i] += s->wait_hist[i];
	e->waited_ns += s->waited_ns;
	e->spun_ns += s->spun_ns;
	e->spins |= explain_spins(s->fate[FATE_spun], s->count - s->injected, s->spun_ns);
	if (s->waited_max_ns > e->waited_max_ns)
		e->waited_max_ns = s->waited_max_ns;
	if (target) {
		free(e->target);
		e->target = target;
	}
	if (f && (!e->has_facts || f->time_ns >= e->facts.time_ns)) {
		take_facts(e, f);
		e->has_facts = true;
		e->facts_pid = process_of(l)->pid;
		if (f->kind)
			e->kind = f->kind;
		if (e->kind == KIND_file && f->have & 1u << FACT_pipe)
			e->kind = KIND_fifo; /* by its name alone open() could not tell */
		model_set_by(l->m, &l->r, f, e);
	}
}

/* What rules made of it; the rest, if any, is the program's own. */
static void add_action(struct load *l, const struct record_site *s)
{
	struct model_action *a = model_action_at(l->m, s, model_stack(l->m, &l->r, s->stack));

	a->count += s->injected;
	a->kind = s->kind;
	earlier_later(&a->first_ns, &a->last_ns, real_time(&l->r, s->first_ns),
		      real_time(&l->r, s->last_ns));
	model_pid_add(&a->pids, process_of(l)->pid);
	for (unsigned i = 0; i < FATE_COUNT; i++)
		a->fate[i] += s->fate[i];
	free(a->target);
	a->target = record_text(&l->r, s->target);
}

static bool is_failure(const struct record_site *s)
{
	return s->count > s->injected &&
	       (s->error == EAGAIN || s->error == EMFILE || s->error == ENFILE);
}

static void add_misuse(struct load *l, const struct record_site *s)
{
	struct model_misuse *x;

	if (!s->count || s->flags & SITE_LOOP)
		return;
	if (s->error == EBADF && model_is_fd_list(&l->r, s)) {
		process_of(l)->misuses -= s->count;
		return;
	}
	x = model_misuse_at(l->m, s->call, s->error, model_stack(l->m, &l->r, s->stack));
	x->count += s->count;
	x->fd_kind = s->kind;
	x->fd = (int)s->value;
	earlier_later(&x->first_ns, &x->last_ns, real_time(&l->r, s->first_ns),
		      real_time(&l->r, s->last_ns));
	x->birth_stack = model_stack(l->m, &l->r, s->birth_stack);
	x->death_stack = model_stack(l->m, &l->r, s->death_stack);
	model_pid_add(&x->pids, process_of(l)->pid);
	free(x->target);
	x->target = record_text(&l->r, s->target);
}

static void add_birth_site(struct load *l, uint64_t i, const struct record_site *s)
{
	struct model_fds *f = model_fds_at(l->m, s->call, model_stack(l->m, &l->r, s->stack));
	char *target = record_text(&l->r, s->target);

	l->fds_of[i] = (uint32_t)(f - l->m->fds);
	if (s->count) {
		f->opened += s->count;
		f->closed += s->deaths;
		earlier_later(&f->first_ns, &f->last_ns, real_time(&l->r, s->first_ns),
			      real_time(&l->r, s->last_ns));
		model_pid_add(&f->pids, process_of(l)->pid);
		if (s->open_peak > f->peak)
			f->peak = s->open_peak;
	}
	f->kind = s->kind;
	if (!f->target_count)
		model_target_add(f, target);
	free(target);
}

static void add_sites(struct load *l)
{
	uint64_t n = l->r.part[PART_sites].count;

	l->fds_of = util_alloc(n + 1, sizeof(uint32_t));
	l->open_of = util_alloc(n + 1, sizeof(uint32_t));
	for (uint64_t i = 0; i < n; i++) {
		const struct record_site *s = record_site(&l->r, i);

		l->fds_of[i] = MODEL_NONE;
		if (!s)
			continue;
		if (s->call == CALL_listen && !s->error)
			continue; /* model_listeners() */
		if (s->error == 0)
			add_birth_site(l, i, s);
		else if ((s->error == EBADF || s->error == RECORD_ERROR_STANDARD) &&
			 s->count > s->injected)
			add_misuse(l, s);
		else if (is_failure(s))
			add_failure(l, s);
		if (s->short_count)
			model_short_add(l->m, &l->r, s);
		if (s->error && s->injected)
			add_action(l, s);
	}
}

/* ---- slots ------------------------------------------------------------------------------------
 */

static uint64_t let_go(const struct load *l, const struct record_slot *s)
{
	return s->flags & SLOT_LOCKED && s->failed_ns ? real_time(&l->r, s->failed_ns) : 0;
}

static void add_open(struct load *l, int fd, const struct record_slot *s)
{
	struct model *m = l->m;
	struct model_open *o = UTIL_PUSH(m->opens, m->opens_count, m->opens_room);
	bool inherited = (s->flags & (SLOT_INHERITED | SLOT_UNSEEN)) != 0;
	struct model_fds *f;

	*o = (struct model_open){
		.process = l->process,
		.fd = fd,
		.call = s->call < CALL_COUNT ? s->call : 0,
		.kind = s->kind,
		.target = record_text(&l->r, s->target),
		.flags = s->flags,
		.let_go_ns = let_go(l, s),
		.birth_ns = s->flags & SLOT_UNSEEN ? 0 : real_time(&l->r, s->birth_ns),
		.uses = s->uses & ~SLOT_USE_PENDING,
		.birth_raw_ns = s->birth_ns,
		.stack = MODEL_NONE,
		.site = MODEL_NONE,
	};
	if (!s->site || s->site > l->r.part[PART_sites].count ||
	    l->fds_of[s->site - 1] == MODEL_NONE)
		return;
	o->site = l->fds_of[s->site - 1];
	f = &m->fds[o->site];
	o->stack = f->stack;
	if (inherited) {
		f->inherited++;
		return;
	}
	l->open_of[s->site - 1]++;
	f->standard = fd <= 2 && (f->standard || !f->open);
	f->open++;
	f->uses += o->uses;
	f->listening |= (s->flags & SLOT_LISTENING) != 0;
	model_target_add(f, o->target);
}

static void add_gone(struct load *l, int fd, const struct record_slot *s)
{
	struct model *m = l->m;
	uint32_t at = s->site && s->site <= l->r.part[PART_sites].count ? l->fds_of[s->site - 1]
									: MODEL_NONE;

	if (s->state != SLOT_closed || at == MODEL_NONE)
		return;
	*UTIL_PUSH(m->gone, m->gone_count, m->gone_room) =
		(struct model_gone){.process = l->process,
				    .fd = fd,
				    .call = s->call < CALL_COUNT ? s->call : 0,
				    .kind = s->kind,
				    .flags = s->flags,
				    .stack = m->fds[at].stack,
				    .birth_raw_ns = s->birth_ns,
				    .birth_ns = real_time(&l->r, s->birth_ns),
				    .let_go_ns = let_go(l, s),
				    .target = record_text(&l->r, s->target)};
}

static void add_unseen(struct load *l, struct model_live *v)
{
	struct model *m = l->m;
	int pid = process_of(l)->pid;

	for (int fd = 0; (size_t)fd < v->size; fd++) {
		struct model_open o = {.process = l->process,
				       .fd = fd,
				       .stack = MODEL_NONE,
				       .site = MODEL_NONE,
				       .flags = SLOT_UNSEEN};

		if (!model_live_unseen(v, fd))
			continue;
		o.kind = model_live_fd(pid, fd, &o.target);
		if (!o.target) /* closed again */
			continue;
		*UTIL_PUSH(m->opens, m->opens_count, m->opens_room) = o;
		model_cover_unseen(m, pid, MISS_birth_unseen, o.kind, 1);
	}
}

static void add_slot(struct load *l, struct model_live *v, int fd, const struct record_slot *s)
{
	bool there = model_live_has(v, fd);

	if (s->state != SLOT_open && !(s->state == SLOT_closing && there)) {
		add_gone(l, fd, s);
		if (there && s->flags & SLOT_QUARANTINED)
			model_live_take(v, fd); /* the shim's */
		return;
	}
	if (model_live_lost(v, fd, s)) {
		model_cover_unseen(l->m, process_of(l)->pid, MISS_death_unseen, s->kind, 1);
		return;
	}
	if (there)
		model_live_take(v, fd);
	add_open(l, fd, s);
}

static void add_slots(struct load *l)
{
	struct model_live v = {0};
	struct record_slot s;
	int fd;

	if (l->alive)
		model_live_begin(&v, &l->r, &l->patience);
	for (uint64_t i = 0; record_slot(&l->r, i, &fd, &s); i++)
		add_slot(l, &v, fd, &s);
	add_unseen(l, &v);
	model_live_end(&v);
}

/* Of several processes, the one that has most open tells the story. */
static void add_worst(struct load *l)
{
	for (uint64_t i = 0; i < l->r.part[PART_sites].count; i++) {
		const struct record_site *s = record_site(&l->r, i);
		struct model_fds *f;

		if (!s || !s->count || l->fds_of[i] == MODEL_NONE)
			continue;
		f = &l->m->fds[l->fds_of[i]];
		if (f->series_width_ns && l->open_of[i] <= f->worst_open)
			continue;
		f->worst_open = l->open_of[i];
		f->worst_opened = s->count;
		f->worst_process = l->process;
		memcpy(f->series, s->series, sizeof(f->series));
		f->series_width_ns = SERIES_WIDTH_NS << (s->series_shift & 31);
	}
}

/* ---- events that say what was not seen ----------------------------------------------------------
 */

static void take_event(const struct record_event *e, void *arg)
{
	struct load *l = arg;
	char *path;

	if (e->type != EVENT_exec)
		return;
	path = record_text(&l->r, e->target);
	model_cover(l->m, (int)l->r.head.pid, 1, "program not followed: %s: %s", path ? path : "?",
		    names_why((unsigned)e->arg));
	free(path);
}

/* ---- one record -------------------------------------------------------------------------------
 */

static void load_record(const char *path, void *arg)
{
	struct load *l = arg;
	uint64_t from = 0, lost = 0;
	const char *slash = strrchr(path, '/');
	int error = record_open(path, &l->r);

	if (l->r.head.spare)
		model_waiting(l->m, path);
	if (error == -ENOENT && l->r.head.spare != SPARE_free)
		l->moved = true;
	if (error) {
		if (error == -EPROTO)
			model_cover(l->m, 0, 1, "%s: %s (format %u, this one reads %u)", slash + 1,
				    record_error(error), l->r.head.version, RECORD_VERSION);
		else if (error != -ENOENT &&
			 !(error == -ENODATA && model_may_be_empty(&l->r.head, path)))
			model_cover(l->m, 0, 1, "%s: %s", slash + 1, record_error(error));
		return;
	}
	if (!l->options->pid || (int)l->r.head.pid == l->options->pid) {
		l->alive = l->r.head.state != STATE_exited &&
			   session_alive((pid_t)l->r.head.pid, l->r.head.created_boot_ns);
		add_process(l);
		model_missed(l->m, &l->r);
		add_sites(l);
		add_slots(l);
		if (l->alive)
			model_pending(l->m, &l->r);
		add_worst(l);
		model_listeners(l->m, &l->r, l->alive);
		model_shared(l->m, &l->r);
		model_at_limit(l->m, &l->r, l->process);
		record_events(&l->r, !l->alive, &from, &lost, take_event, l);
		free(l->fds_of);
		free(l->open_of);
		l->fds_of = l->open_of = NULL;
	}
	record_close(&l->r);
}

static void load_waiting(const char *path, void *arg)
{
	struct load *l = arg;

	model_waiting(l->m, path);
}

int model_load(const char *session, const struct model_options *options, struct model *ret)
{
	struct load l = {.m = ret, .options = options, .patience = PATIENCE};
	int error;

	memset(ret, 0, sizeof(*ret));
	ret->session = util_copy(session);
	ret->now_ns = util_now_ns(CLOCK_REALTIME);
	error = session_records(session, load_record, &l);
	if (error)
		return error;
	if (l.moved) /* with the lines that wait in it */
		session_records(session, load_waiting, &l);
	model_ends(ret, options);
	model_cover_go(ret);
	model_rules(ret);
	model_judge(ret);
	return 0;
}

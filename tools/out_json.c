/* SPDX-License-Identifier: MIT */
/*
 * out_json.c - the model as JSON, schema version 1 (docs/json.md). Later versions add, none
 * renames. Unknown is null, never 0.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "json_add.h"
#include "names.h"
#include "out_items.h"
#include "out_page.h"
#include "record_read.h"
#include "util.h"

#define TICK_NS 10000000u /* coarse clocks of two processes: less is no order */
char *out_time(uint64_t real_ns)
{
	time_t t = (time_t)(real_ns / 1000000000u);
	char s[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%S", &tm);
	return util_format("%s.%03uZ", s, (unsigned)(real_ns / 1000000u % 1000u));
}

/* "key": RFC 3339, "key_ns": integer; both null when unknown. */
static void add_time(struct json_object *o, const char *key, uint64_t real_ns)
{
	char *s = real_ns ? out_time(real_ns) : NULL, *ns_key = util_format("%s_ns", key);

	ADD(o, key, json_text(s));
	ADD(o, ns_key, json_known(real_ns, real_ns));
	free(s);
	free(ns_key);
}

/* ---- stacks -----------------------------------------------------------------------------------
 */

static struct json_object *build_id(const struct model_module *m)
{
	char hex[41];

	if (!m->build_id_bytes)
		return NULL;
	for (unsigned i = 0; i < m->build_id_bytes; i++)
		snprintf(hex + 2 * i, 3, "%02x", m->build_id[i]);
	return json_text(hex);
}

static void add_frame(struct json_object *list, const struct model *m, struct symbols *s,
		      const struct model_frame *f)
{
	const struct model_module *module = f->module == MODEL_NONE ? NULL : &m->modules[f->module];
	size_t n;
	const struct symbol *symbol = symbols_at(s, f, &n);

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();
		char *offset = util_format("0x%llx", (unsigned long long)f->offset);

		ADD(o, "function", json_text(symbol[i].function));
		ADD(o, "file", json_text(symbol[i].file));
		ADD(o, "line", json_known(symbol[i].line > 0, (uint64_t)symbol[i].line));
		ADD(o, "module", module ? json_text(module->path) : NULL);
		ADD(o, "offset", json_text(offset));
		ADD(o, "build_id", module ? build_id(module) : NULL);
		ADD(o, "inlined", json_object_new_boolean(symbol[i].inlined));
		free(offset);
		json_object_array_add(list, o);
	}
}

struct json_object *out_json_stack(const struct model *m, struct symbols *s, uint32_t stack)
{
	struct json_object *list;

	if (stack == MODEL_NONE)
		return NULL;
	list = json_object_new_array();
	for (uint32_t i = 0; i < m->stacks[stack].depth; i++)
		add_frame(list, m, s, &m->frames[m->stacks[stack].first + i]);
	return list;
}

/* ---- shared pieces ----------------------------------------------------------------------------
 */

static struct json_object *pids(const struct model_pids *p)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < p->count; i++)
		json_object_array_add(list, json_object_new_int(p->pid[i]));
	return list;
}

static struct json_object *target(uint8_t kind, const char *name)
{
	struct json_object *o = json_object_new_object();
	bool address = name && *name != '/';

	ADD(o, "kind", json_text(names_kind(kind)));
	ADD(o, "path", address ? NULL : json_text(name));
	ADD(o, "address", address ? json_text(name) : NULL);
	return o;
}

/* ---- processes --------------------------------------------------------------------------------
 */

static struct json_object *end(const struct model_process *p)
{
	static const char *const how[] = {"running", "exited", "killed", "lost"};
	struct json_object *o = json_object_new_object();

	ADD(o, "how", json_text(how[p->how]));
	ADD(o, "status", json_known(p->status >= 0, (uint64_t)p->status));
	ADD(o, "signal", json_known(p->signal > 0, (uint64_t)p->signal));
	add_time(o, "time", p->end_ns);
	return o;
}

static struct json_object *counts(const struct model_process *p)
{
	struct json_object *o = json_object_new_object();

	ADD(o, "opened", json_number(p->births));
	ADD(o, "closed", json_number(p->deaths));
	ADD(o, "eagain", json_number(p->eagains));
	ADD(o, "misuse", json_number(p->misuses));
	ADD(o, "limit", json_number(p->limits));
	ADD(o, "open", json_number(p->fds_open));
	ADD(o, "peak", json_number(p->fds_peak));
	ADD(o, "limit_nofile", json_known(p->nofile_soft != 0, p->nofile_soft));
	return o;
}

/* When: a storm, or a few all the time. */
static struct json_object *eagain_history(const struct model_process *p)
{
	struct json_object *o, *list;

	if (!p->eagain_buckets)
		return NULL;
	o = json_object_new_object();
	list = json_object_new_array();
	for (unsigned i = 0; i < p->eagain_buckets; i++)
		json_object_array_add(list, json_number(p->series_eagains[i]));
	ADD(o, "width_ns", json_number(p->series_width_ns));
	ADD(o, "counts", list);
	return o;
}

struct json_object *out_item_process(const struct model_process *p)
{
	struct json_object *o = json_object_new_object();

	ADD(o, "pid", json_object_new_int(p->pid));
	ADD(o, "ppid", json_object_new_int(p->ppid));
	ADD(o, "uid", json_number(p->uid));
	ADD(o, "comm", json_text(p->comm));
	ADD(o, "exe", json_text(p->exe));
	ADD(o, "argv", json_text(p->argv));
	add_time(o, "start_time", p->start_ns);
	ADD(o, "images", json_number(p->images));
	ADD(o, "end", end(p));
	ADD(o, "counts", counts(p));
	ADD(o, "eagain_history", eagain_history(p));
	return o;
}

/* ---- failures ---------------------------------------------------------------------------------
 */

static bool have(const struct model_eagain *e, enum facts_bit bit)
{
	return e->has_facts && e->facts.have & 1u << bit;
}

static struct json_object *set_by(const struct model *m, struct symbols *s,
				  const struct model_eagain *e)
{
	struct json_object *o;

	if (!e->set_pid)
		return NULL;
	o = json_object_new_object();
	ADD(o, "pid", json_object_new_int(e->set_pid));
	ADD(o, "comm", json_text(e->set_comm));
	add_time(o, "time", e->set_ns);
	ADD(o, "stack", out_json_stack(m, s, e->mode_stack));
	return o;
}

static void add_listener(struct json_object *o, const struct model *m, struct symbols *s,
			 const struct model_eagain *e)
{
	const struct model_listener *l =
		e->listener == MODEL_NONE ? NULL : &m->listeners[e->listener];
	bool accepted = l && l->last_accept_ns;

	ADD(o, "listener_pid", json_known(l, l ? (uint64_t)l->pid : 0));
	ADD(o, "listener_comm", l ? json_text(l->comm) : NULL);
	ADD(o, "listener_stack", l ? out_json_stack(m, s, l->listen_stack) : NULL);
	ADD(o, "last_accept_age_ns",
	    json_known(accepted && e->last_ns + TICK_NS >= l->last_accept_ns,
		       accepted && e->last_ns > l->last_accept_ns ? e->last_ns - l->last_accept_ns
								  : 0));
	ADD(o, "listener_accepts", json_known(l, l ? l->accepts : 0));
	ADD(o, "listener_accepting_ns",
	    json_known(accepted, accepted ? l->last_accept_ns - l->first_accept_ns : 0));
}

static struct json_object *peer_address(const struct model_eagain *e)
{
	char *text = have(e, FACT_peer_addr)
			     ? record_address(e->facts.peer_addr, sizeof(e->facts.peer_addr))
			     : NULL;
	struct json_object *o = json_text(text);

	free(text);
	return o;
}

static struct json_object *evidence(const struct model *m, struct symbols *s,
				    const struct model_eagain *e)
{
	const struct record_facts *f = &e->facts;
	const struct model_listener *l =
		e->listener == MODEL_NONE ? NULL : &m->listeners[e->listener];
	struct json_object *o = json_object_new_object();

	ADD(o, "mode", have(e, FACT_mode) ? json_text(names_mode(f->mode)) : NULL);
	ADD(o, "timeout_ns", json_known(have(e, FACT_timeout), f->timeout_ns));
	ADD(o, "waited_ns", json_known(have(e, FACT_waited), f->waited_ns));
	ADD(o, "set_by", set_by(m, s, e));
	ADD(o, "queued_bytes", json_known(have(e, FACT_outq), f->outq_bytes));
	ADD(o, "sndbuf_bytes", json_known(have(e, FACT_sndbuf), f->sndbuf_bytes));
	ADD(o, "unread_bytes", json_known(have(e, FACT_inq), f->inq_bytes));
	ADD(o, "peer_unread_bytes", json_known(have(e, FACT_peer_unread), f->peer_unread));
	ADD(o, "pipe_bytes", json_known(have(e, FACT_pipe), f->pipe_bytes));
	ADD(o, "queue", json_known(have(e, FACT_queue), f->queue));
	ADD(o, "backlog",
	    have(e, FACT_queue) ? json_number(f->backlog) : json_known(l, l ? l->backlog : 0));
	ADD(o, "somaxconn", json_known(have(e, FACT_somaxconn), f->somaxconn));
	add_listener(o, m, s, e);
	ADD(o, "peer_pid", json_known(e->peer_pid != 0, (uint64_t)e->peer_pid));
	ADD(o, "peer_comm", json_text(e->peer_comm));
	ADD(o, "peer_address", peer_address(e));
	ADD(o, "holder_pid", json_known(e->holder_pid != 0, (uint64_t)e->holder_pid));
	ADD(o, "holder_comm", json_text(e->holder_comm));
	ADD(o, "holder_cmdline", json_text(e->holder_cmdline));
	ADD(o, "holder_mode", json_text(e->holder_mode));
	ADD(o, "tcp_unacked", json_known(have(e, FACT_tcp), f->tcp_unacked));
	ADD(o, "tcp_rwnd", json_known(have(e, FACT_tcp), f->tcp_rwnd));
	ADD(o, "tcp_retransmits", json_known(have(e, FACT_tcp), f->tcp_retransmits));
	ADD(o, "tcp_cwnd", json_known(have(e, FACT_tcp), f->tcp_cwnd));
	ADD(o, "tcp_state", have(e, FACT_tcp) ? json_text(names_tcp_state(f->tcp_state)) : NULL);
	ADD(o, "limit_name", have(e, FACT_limit) ? json_text(names_task_limit(f->limit_id)) : NULL);
	ADD(o, "limit", json_known(have(e, FACT_limit), f->limit));
	ADD(o, "in_use", json_known(have(e, FACT_limit), f->in_use));
	ADD(o, "why_unknown", *e->why.why_unknown ? json_text(e->why.why_unknown) : NULL);
	return o;
}

static struct json_object *fates(const struct model_eagain *e)
{
	struct json_object *o = json_object_new_object(), *hist = json_object_new_array();

	for (unsigned i = 0; i < FATE_COUNT; i++)
		ADD(o, names_fate(i), json_number(e->fate[i]));
	ADD(o, "pending", json_number(e->pending));
	ADD(o, "pending_since_ns", json_known(e->pending_since_ns != 0, e->pending_since_ns));
	ADD(o, "waited_ns", json_number(e->waited_ns));
	ADD(o, "waited_max_ns", json_number(e->waited_max_ns));
	ADD(o, "spun_ns", json_number(e->spun_ns));
	for (unsigned i = 0; i < 12; i++)
		json_object_array_add(hist, json_number(e->wait_hist[i]));
	ADD(o, "wait_hist", hist);
	return o;
}

/* Of EMFILE and ENFILE. */
static void add_limit(struct json_object *o, const struct model_eagain *e)
{
	bool rate = e->limit.rate_per_s > 0;

	ADD(o, "cause", json_text(e->limit.cause));
	ADD(o, "sentence", json_text(e->limit.sentence));
	ADD(o, "severity", json_text("failure"));
	ADD(o, "advice", json_text(e->limit.advice));
	ADD(o, "run", json_number(e->fate[FATE_spun]));
	ADD(o, "rate_per_s", rate ? json_object_new_double(e->limit.rate_per_s) : NULL);
}

struct json_object *out_item_failure(const struct model *m, struct symbols *s,
				     const struct model_eagain *e)
{
	struct json_object *o = json_object_new_object();

	ADD(o, "call", json_text(call_name(e->call)));
	ADD(o, "errno",
	    json_text(e->error == 11   ? "EAGAIN"
		      : e->error == 24 ? "EMFILE"
				       : "ENFILE"));
	ADD(o, "count", json_number(e->count));
	add_time(o, "first", e->first_ns);
	add_time(o, "last", e->last_ns);
	ADD(o, "pids", pids(&e->pids));
	ADD(o, "target", target(e->kind, e->target));
	if (e->error == 11) {
		ADD(o, "cause", json_text(e->why.cause));
		ADD(o, "sentence", json_text(e->why.sentence));
		ADD(o, "severity", json_text(explain_severity_name(e->why.severity)));
		ADD(o, "advice", json_text(e->why.advice));
		ADD(o, "evidence", evidence(m, s, e));
		ADD(o, "now", out_present_json(m, s, e));
		ADD(o, "fate", fates(e));
	} else {
		add_limit(o, e);
	}
	ADD(o, "stack", out_json_stack(m, s, e->stack));
	return o;
}

/* ---- fds --------------------------------------------------------------------------------------
 */

static struct json_object *trend(const struct model *m, const struct model_fds *f)
{
	const struct verdict_trend *t = &f->verdict.trend;
	struct json_object *o = json_object_new_object(), *floor = json_object_new_array();
	const uint64_t *ages = m->ages + f->ages;

	for (unsigned i = 0; i < 3; i++)
		json_object_array_add(floor, json_number(t->floor[i]));
	ADD(o, "points", json_number(t->points));
	ADD(o, "rises", json_number(t->rises));
	ADD(o, "falls", json_number(t->falls));
	ADD(o, "floor", floor);
	ADD(o, "slope_per_hour", json_object_new_double(t->slope_per_hour));
	ADD(o, "confidence", json_object_new_double(t->confidence));
	ADD(o, "lifetime_ns", json_known(t->lifetime_ns != 0, t->lifetime_ns));
	ADD(o, "oldest_ns", json_known(f->ages_count, f->ages_count ? ages[0] : 0));
	ADD(o, "median_ns", json_known(f->ages_count, f->ages_count ? ages[f->ages_count / 2] : 0));
	ADD(o, "unused", json_number(f->unused));
	ADD(o, "half_dead", json_known(m->live, f->half_dead));
	return o;
}

struct json_object *out_item_fds(const struct model *m, struct symbols *s,
				 const struct model_fds *f)
{
	struct json_object *o = json_object_new_object(), *targets = json_object_new_array();

	for (size_t i = 0; i < f->target_count; i++)
		json_object_array_add(targets, json_text(f->targets[i]));
	ADD(o, "call", json_text(call_name(f->call)));
	ADD(o, "verdict", json_text(verdict_name(f->verdict.kind)));
	ADD(o, "reason", json_text(f->verdict.reason));
	ADD(o, "suppressed", json_text(f->suppressed));
	ADD(o, "other_ways", json_number(f->other_ways));
	ADD(o, "opened", json_number(f->opened));
	ADD(o, "closed", json_number(f->closed));
	ADD(o, "open", json_number(f->open));
	ADD(o, "peak", json_number(f->peak));
	ADD(o, "inherited", json_number(f->inherited));
	ADD(o, "uses", json_number(f->uses));
	ADD(o, "numbers", trend(m, f));
	ADD(o, "kind", json_text(names_kind(f->kind)));
	ADD(o, "targets", targets);
	add_time(o, "first", f->first_ns);
	add_time(o, "last", f->last_ns);
	ADD(o, "pids", pids(&f->pids));
	ADD(o, "stack", out_json_stack(m, s, f->stack));
	return o;
}

static struct json_object *flags(uint32_t bits)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{SLOT_CLOEXEC, "cloexec"},      {SLOT_NONBLOCK, "nonblock"},
		{SLOT_LISTENING, "listening"},  {SLOT_CONNECTED, "connected"},
		{SLOT_ACCEPTED, "accepted"},    {SLOT_PASSED, "passed"},
		{SLOT_UNSEEN, "origin-unseen"}, {SLOT_EXECED, "survived-exec"},
	};
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bits & names[i].bit)
			json_object_array_add(list, json_text(names[i].name));
	return list;
}

struct json_object *out_item_open_fd(const struct model *m, struct symbols *s,
				     const struct model_open *x)
{
	const struct model_process *p = &m->processes[x->process];
	uint64_t until = p->how == HOW_running ? m->now_ns : p->end_ns; /* 0: nobody saw its end */
	struct json_object *o = json_object_new_object();

	ADD(o, "pid", json_object_new_int(p->pid));
	ADD(o, "fd", json_object_new_int(x->fd));
	ADD(o, "call", x->call ? json_text(call_name(x->call)) : NULL);
	ADD(o, "kind", json_text(names_kind(x->kind)));
	ADD(o, "target", target(x->kind, x->target));
	ADD(o, "age_ns", json_known(x->birth_ns && until >= x->birth_ns, until - x->birth_ns));
	ADD(o, "flags", flags(x->flags));
	out_states_json(o, x);
	ADD(o, "uses", json_number(x->uses));
	ADD(o, "inherited", json_object_new_boolean((x->flags & SLOT_INHERITED) != 0));
	ADD(o, "stack", out_json_stack(m, s, x->stack));
	return o;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

struct json_object *out_item_coverage(const struct model *m)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->coverage_count; i++) {
		const struct model_coverage *c = &m->coverage[i];
		struct json_object *o = json_object_new_object();

		ADD(o, "pid", json_known(c->pid > 0, (uint64_t)c->pid));
		ADD(o, "what", json_text(c->what));
		ADD(o, "count", json_number(c->count));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *totals(const struct model *m)
{
	struct model_summary t;
	struct json_object *o = json_object_new_object();

	model_summarize(m, &t);
	ADD(o, "processes", json_number(t.processes));
	ADD(o, "alive", json_number(t.alive));
	ADD(o, "eagain", json_number(t.eagains));
	ADD(o, "failures", json_number(t.failures));
	ADD(o, "suspicious", json_number(t.suspicious));
	ADD(o, "benign", json_number(t.benign));
	ADD(o, "leaks", json_number(t.leaks));
	ADD(o, "growing", json_number(t.growing));
	ADD(o, "misuse", json_number(t.misuse));
	ADD(o, "limit", json_number(t.limits));
	ADD(o, "open_fds", json_number(t.open));
	ADD(o, "child_leaks", json_number(t.child_leaks));
	ADD(o, "suppressed", json_number(t.suppressed));
	return o;
}

struct json_object *out_item_general(const struct model *m)
{
	struct json_object *o = json_object_new_object();

	ADD(o, "schema", json_object_new_int(1));
	ADD(o, "version", json_text(FDWHY_VERSION));
	ADD(o, "session", json_text(m->session));
	ADD(o, "command", json_text(m->command));
	add_time(o, "start_time", m->start_ns);
	add_time(o, "report_time", m->now_ns);
	ADD(o, "live", json_object_new_boolean(m->live));
	ADD(o, "quarantine", json_known(m->quarantine, m->quarantine));
	ADD(o, "totals", totals(m));
	return o;
}

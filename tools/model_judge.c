/* SPDX-License-Identifier: MIT */
/*
 * model_judge.c - brings a loaded model together with explain.h and verdict.h: collects for each
 * site what they ask for, and sorts the worst first. No rule of its own. The fds are in
 * model_fds.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "holder.h"
#include "model.h"
#include "names.h"
#include "session.h"
#include "util.h"

static const struct model_process *process_of_pid(const struct model *m, int pid)
{
	for (size_t i = m->processes_count; i-- > 0;)
		if (m->processes[i].pid == pid)
			return &m->processes[i];
	return NULL;
}

bool model_all_ended(const struct model *m, const struct model_pids *pids)
{
	for (size_t i = 0; i < pids->count; i++) {
		const struct model_process *p = process_of_pid(m, pids->pid[i]);

		if (p && p->how == HOW_running)
			return false;
	}
	return true;
}

static const char *comm_of(const struct model *m, int pid, char *room, size_t size)
{
	const struct model_process *p = process_of_pid(m, pid);
	char path[64];
	long n;

	if (p)
		return p->comm;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	n = util_read_file(path, room, size);
	if (n <= 0)
		return NULL;
	room[strcspn(room, "\n")] = '\0';
	return room;
}

/* Numbers of a file below /proc/sys, 0 unknown. */
static uint32_t setting(const char *path, uint32_t *ret_second)
{
	char text[64], *rest = text;
	uint32_t first;

	if (util_read_file(path, text, sizeof(text)) <= 0)
		return 0;
	first = (uint32_t)strtoul(text, &rest, 10);
	if (ret_second)
		*ret_second = (uint32_t)strtoul(rest, NULL, 10);
	return first;
}

/* ---- failures ---------------------------------------------------------------------------------
 */

static void find_listener(const struct model *m, struct model_eagain *e, struct explain_in *in)
{
	const struct model_listener *l;

	e->listener = model_listener_of(m, e->target);
	if (e->listener == MODEL_NONE)
		return;
	l = &m->listeners[e->listener];
	in->listener_known = true;
	in->listener_pid = l->pid;
	in->listener_comm = l->comm;
	in->listener_backlog = l->backlog;
	in->listener_accepted = l->accepts != 0;
	if (e->last_ns > l->last_accept_ns)
		in->listener_last_accept_age_ns = e->last_ns - l->last_accept_ns;
}

/* false: not a call that locks. */
static bool kind_of_lock(const struct model_eagain *e, enum holder_kind *ret)
{
	enum call_class class = names_class(e->call);

	if (class != CLASS_lock && class != CLASS_open && e->call != CALL_fcntl)
		return false;
	*ret = class == CLASS_open     ? HOLDER_lease
	       : e->call == CALL_flock ? HOLDER_flock
				       : HOLDER_posix;
	return true;
}

/* The file that was asked for: as the shim saw it, else what has its name now. */
static bool file_of(const struct model_eagain *e, uint64_t *ret_dev, uint64_t *ret_inode)
{
	struct stat st;

	if (e->facts.have & 1u << FACT_inode) {
		*ret_dev = e->facts.dev;
		*ret_inode = e->facts.inode;
		return true;
	}
	if (!e->target || *e->target != '/' || stat(e->target, &st))
		return false;
	*ret_dev = st.st_dev;
	*ret_inode = st.st_ino;
	return true;
}

static uint64_t age_of_process(int pid)
{
	uint64_t start = session_process_start(pid);
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return start ? (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - start : 0;
}

static void find_holder(const struct model *m, const struct model_eagain *e, enum holder_kind kind,
			struct explain_in *in, struct holder *h)
{
	uint64_t dev, inode, runs, ago = m->now_ns - e->last_ns;

	if (e->facts.have & 1u << FACT_holder) {
		in->holder_pid = (int)e->facts.holder_pid;
		h->exclusive = e->facts.holder_exclusive;
	} else if (!file_of(e, &dev, &inode)) {
		in->holder_unknown = e->has_facts ? NULL : "no facts were taken";
	} else if (holder_find(kind, dev, inode, h)) {
		in->holder_pid = h->pid;
		in->holder_taker = h->taker;
	} else {
		in->holder_unknown = "nobody holds it any more, or not for us to see";
	}
	if (!in->holder_pid)
		return;
	in->holder_mode = h->exclusive ? "exclusive" : "shared";
	holder_describe(in->holder_pid, h);
	in->holder_comm = *h->comm ? h->comm : NULL;
	in->holder_cmdline = *h->cmdline ? h->cmdline : NULL;
	runs = age_of_process(in->holder_pid);
	in->holder_runs_ns = runs > ago ? runs - ago : 0;
}

/* A receiver of datagrams in the session, by the name that it is bound to. */
static const struct model_process *receiver_of(const struct model *m, const char *target)
{
	for (size_t i = 0; target && i < m->opens_count; i++) {
		const struct model_open *o = &m->opens[i];

		if (o->kind == KIND_unix_dgram && !(o->flags & SLOT_CONNECTED) && o->target &&
		    !strcmp(o->target, target))
			return &m->processes[o->process];
	}
	return NULL;
}

static void find_receiver(const struct model *m, const struct model_eagain *e,
			  struct explain_in *in)
{
	const struct model_process *p =
		e->kind == KIND_unix_dgram && !in->peer_pid ? receiver_of(m, e->target) : NULL;

	in->max_dgram_qlen = setting("/proc/sys/net/unix/max_dgram_qlen", NULL);
	if (p) {
		in->peer_pid = p->pid;
		in->peer_comm = p->comm;
	}
}

static uint64_t pending(const struct model_eagain *e)
{
	uint64_t settled = 0;

	for (unsigned i = 0; i < FATE_COUNT; i++)
		settled += e->fate[i];
	return e->count > settled ? e->count - settled : 0;
}

static void add_facts(const struct model *m, const struct model_eagain *e, char *comm, size_t size,
		      struct explain_in *in)
{
	/* SO_PEERCRED of a socketpair is whoever made it, often the caller: that names nobody. */
	bool own = e->facts.have & 1u << FACT_peer && (int)e->facts.peer_pid == e->facts_pid;

	if (own)
		in->peer_unknown = "the socket pair is of this process's own making";
	if (e->facts.have & 1u << FACT_peer && !own) {
		in->peer_pid = (int)e->facts.peer_pid;
		in->peer_comm = comm_of(m, in->peer_pid, comm, size);
	}
	if (e->facts.have & 1u << FACT_queue) {
		in->queue_known = true;
		in->queue = e->facts.queue;
		in->backlog = e->facts.backlog;
	}
	if (e->facts.have & 1u << FACT_somaxconn)
		in->somaxconn = e->facts.somaxconn;
}

static char *copy_known(const char *s)
{
	return s ? util_copy(s) : NULL;
}

static void find_others(struct model *m, struct model_eagain *e, struct explain_in *in,
			struct holder *h)
{
	enum call_class class = names_class(e->call);
	enum holder_kind kind;

	if (class == CLASS_connect) {
		find_listener(m, e, in);
		in->port_first = setting("/proc/sys/net/ipv4/ip_local_port_range", &in->port_last);
	} else if (kind_of_lock(e, &kind)) {
		find_holder(m, e, kind, in, h);
		in->lease_break_s = setting("/proc/sys/fs/lease-break-time", NULL);
	} else if (class == CLASS_send) {
		find_receiver(m, e, in);
	}
}

static void judge_failure(struct model *m, struct model_eagain *e)
{
	char comm[64];
	struct holder h = {0};
	struct explain_in in = {
		.call = e->call,
		.kind = e->kind,
		.pid = e->has_facts ? e->facts_pid : e->pids.pid[e->pids.count - 1],
		.target = e->target,
		.facts = e->has_facts ? &e->facts : NULL,
		.count = e->count,
		.waited_max_ns = e->waited_max_ns,
		.duration_ns = e->last_ns - e->first_ns,
		.ended = model_all_ended(m, &e->pids),
	};

	in.pending = e->pending = pending(e);
	memcpy(in.fate, e->fate, sizeof(in.fate));
	add_facts(m, e, comm, sizeof(comm), &in);
	find_others(m, e, &in, &h);
	explain(&in, &e->why);
	e->holder_pid = in.holder_pid;
	e->holder_mode = in.holder_mode;
	e->holder_comm = copy_known(in.holder_comm);
	e->holder_cmdline = copy_known(in.holder_cmdline);
	e->peer_pid = in.peer_pid;
	e->peer_comm = copy_known(in.peer_comm);
}

/* ---- order ------------------------------------------------------------------------------------
 */

static int worse_failure(const void *a, const void *b)
{
	const struct model_eagain *x = a, *y = b;

	if (x->why.severity != y->why.severity)
		return (int)y->why.severity - (int)x->why.severity;
	return (x->count < y->count) - (x->count > y->count);
}

static void find_times(struct model *m)
{
	for (size_t i = 0; i < m->processes_count; i++) {
		const struct model_process *p = &m->processes[i];

		if (!m->start_ns || p->start_ns < m->start_ns)
			m->start_ns = p->start_ns;
		m->live |= p->how == HOW_running;
		m->last_ns = p->end_ns > m->last_ns ? p->end_ns : m->last_ns;
	}
	for (size_t i = 0; i < m->eagains_count; i++)
		if (m->eagains[i].last_ns > m->last_ns)
			m->last_ns = m->eagains[i].last_ns;
	for (size_t i = 0; i < m->fds_count; i++)
		m->last_ns = m->fds[i].last_ns > m->last_ns ? m->fds[i].last_ns : m->last_ns;
}

void model_judge(struct model *m)
{
	find_times(m);
	model_backlogs(m);
	for (size_t i = 0; i < m->eagains_count; i++)
		judge_failure(m, &m->eagains[i]);
	if (m->eagains_count)
		qsort(m->eagains, m->eagains_count, sizeof(*m->eagains), worse_failure);
	model_judge_fds(m);
	model_judge_limits(m);
	model_misuse(m);
	model_children(m);
}

/* ---- sums -------------------------------------------------------------------------------------
 */

void model_summarize(const struct model *m, struct model_summary *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < m->eagains_count; i++) {
		const struct model_eagain *e = &m->eagains[i];

		ret->failures += e->why.severity == SEVERITY_failure;
		ret->suspicious += e->why.severity == SEVERITY_suspicious;
		ret->benign += e->why.severity == SEVERITY_benign;
	}
	for (size_t i = 0; i < m->processes_count; i++) {
		ret->eagains += m->processes[i].eagains;
		ret->alive += m->processes[i].how == HOW_running;
	}
	for (size_t i = 0; i < m->fds_count; i++) {
		ret->leaks += m->fds[i].verdict.kind == VERDICT_leak;
		ret->growing += m->fds[i].verdict.kind == VERDICT_growing;
	}
	for (size_t i = 0; i < m->misuses_count; i++)
		ret->misuse += m->misuses[i].count;
	for (size_t i = 0; i < m->limits_count; i++)
		ret->limits += m->limits[i].count;
	ret->open = m->opens_count;
	ret->child_leaks = m->child_leaks_count;
	ret->processes = m->processes_count;
}

static void free_failures(struct model_eagain *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(e[i].pids.pid);
		free(e[i].target);
		free(e[i].holder_comm);
		free(e[i].holder_cmdline);
		free(e[i].peer_comm);
	}
	free(e);
}

static void free_fds(struct model *m)
{
	for (size_t i = 0; i < m->fds_count; i++) {
		free(m->fds[i].pids.pid);
		for (size_t k = 0; k < m->fds[i].target_count; k++)
			free(m->fds[i].targets[k]);
	}
	for (size_t i = 0; i < m->opens_count; i++) {
		free(m->opens[i].target);
		free(m->opens[i].peer);
	}
	for (size_t i = 0; i < m->gone_count; i++)
		free(m->gone[i].target);
	free(m->gone);
	free(m->unused);
	free(m->fds);
	free(m->opens);
}

void model_free(struct model *m)
{
	model_rules_free(m);
	model_children_free(m);
	free_failures(m->eagains, m->eagains_count);
	free_failures(m->limits, m->limits_count);
	free_fds(m);
	for (size_t i = 0; i < m->misuses_count; i++) {
		free(m->misuses[i].pids.pid);
		free(m->misuses[i].target);
	}
	for (size_t i = 0; i < m->processes_count; i++) {
		free(m->processes[i].comm);
		free(m->processes[i].exe);
		free(m->processes[i].argv);
	}
	for (size_t i = 0; i < m->listeners_count; i++) {
		free(m->listeners[i].comm);
		free(m->listeners[i].target);
	}
	for (size_t i = 0; i < m->coverage_count; i++)
		free(m->coverage[i].what);
	for (size_t i = 0; i < m->modules_count; i++)
		free(m->modules[i].path);
	free(m->at_limit);
	free(m->misuses);
	free(m->processes);
	free(m->listeners);
	free(m->coverage);
	free(m->modules);
	free(m->frames);
	free(m->stacks);
	free(m->stack_index);
	free(m->ages);
	free(m->session);
	free(m->command);
	memset(m, 0, sizeof(*m));
}

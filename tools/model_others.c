/* SPDX-License-Identifier: MIT */
/*
 * model_others.c - see model_others.h. The records tell of the session's own processes; /proc and
 * sock_diag of all that live now. What is gone is unknown: a pid may be somebody else's by now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "model_others.h"
#include "model_states.h"
#include "names.h"
#include "record_read.h"
#include "session.h"
#include "util.h"

#define COARSE_NS 20000000u /* failures are dated by a coarse clock, a tick or two late */

struct model_others {
	struct ends ends;
	uint64_t *inode;
};

static bool have(const struct model_eagain *e, enum facts_bit bit)
{
	return e->has_facts && e->facts.have & 1u << bit;
}

static bool is_unix(uint8_t kind)
{
	return kind == KIND_unix_stream || kind == KIND_unix_dgram || kind == KIND_unix_seqpacket;
}

/* ---- times ------------------------------------------------------------------------------------
 */

static uint64_t boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t ago(const struct model *m, const struct model_eagain *e)
{
	return m->now_ns > e->last_ns ? m->now_ns - e->last_ns : 0;
}

/* How long it had been running when the call failed; 0: it is gone, or younger than that. */
static uint64_t ran_before(const struct model *m, const struct model_eagain *e, int pid)
{
	uint64_t start = session_process_start(pid), age = start ? boot_ns() - start : 0;

	if (!start || age + COARSE_NS <= ago(m, e))
		return 0;
	return age > ago(m, e) ? age - ago(m, e) : 1;
}

/* ---- what is asked of the kernel ----------------------------------------------------------------
 */

/* The socket behind a name: a listener, or a receiver of datagrams. */
static const struct unix_pair *bound(const struct model_others *o, const struct model_eagain *e)
{
	struct stat st;

	if (call_class(e->call) == CLASS_connect && have(e, FACT_inode))
		return ends_unix_bound(&o->ends, e->facts.dev, e->facts.inode);
	if (!e->target || *e->target != '/' || stat(e->target, &st) || !S_ISSOCK(st.st_mode))
		return NULL;
	return ends_unix_bound(&o->ends, st.st_dev, st.st_ino);
}

/* The inode that who is on the other side has open; 0 unknown. */
static uint64_t far_inode(const struct model_others *o, const struct model_eagain *e, int *ret_mode)
{
	const struct unix_pair *b = NULL;
	uint64_t peer;

	*ret_mode = 0;
	if (have(e, FACT_peer_inode)) /* as it was then: also when this end is gone by now */
		return e->facts.peer_inode;
	if (e->kind == KIND_pipe_write || e->kind == KIND_fifo || e->kind == KIND_pipe_read) {
		*ret_mode = call_class(e->call) == CLASS_send ? END_reads : END_writes;
		return have(e, FACT_inode) ? e->facts.inode : 0;
	}
	if (e->kind == KIND_tcp && call_class(e->call) != CLASS_connect)
		return have(e, FACT_inode) ? ends_tcp_peer(&o->ends, e->facts.inode) : 0;
	if (!is_unix(e->kind))
		return 0;
	if (call_class(e->call) != CLASS_connect && have(e, FACT_inode) &&
	    ends_unix_peer(&o->ends, e->facts.inode, &peer) && peer) {
		if (peer != ENDS_UNACCEPTED)
			return peer;
		b = bound(o, e); /* who listens there has to accept first */
	} else if (call_class(e->call) == CLASS_connect || e->kind == KIND_unix_dgram) {
		b = bound(o, e);
	}
	return b ? b->inode : 0;
}

static bool concerns(const struct model *m, const struct model_eagain *e)
{
	enum call_class class = call_class(e->call);
	bool waits = class == CLASS_recv && have(e, FACT_mode) && e->facts.mode == MODE_rcvtimeo;

	/* Inodes of an earlier boot are other things by now. */
	return (class == CLASS_send || class == CLASS_connect || waits) && ago(m, e) < boot_ns();
}

struct model_others *model_others_find(const struct model *m)
{
	struct model_others *o = util_alloc(1, sizeof(*o));
	bool sockets = false, tcp = false;
	size_t n = 0;
	int mode;

	for (size_t i = 0; i < m->eagains_count; i++)
		if (concerns(m, &m->eagains[i])) {
			sockets |= is_unix(m->eagains[i].kind);
			tcp |= m->eagains[i].kind == KIND_tcp;
		}
	if (sockets)
		ends_read_unix(&o->ends);
	if (tcp)
		ends_read_tcp(&o->ends);
	o->inode = util_alloc(m->eagains_count + 1, sizeof(*o->inode));
	for (size_t i = 0; i < m->eagains_count; i++) {
		o->inode[n] = concerns(m, &m->eagains[i]) ? far_inode(o, &m->eagains[i], &mode) : 0;
		n += o->inode[n] != 0;
		if (m->eagains[i].kind == KIND_fifo && m->eagains[i].target &&
		    o->ends.fifos < ENDS_FIFOS)
			o->ends.fifo[o->ends.fifos++] = m->eagains[i].target;
	}
	if (n)
		ends_scan(&o->ends, o->inode, n);
	return o;
}

void model_others_free(struct model_others *o)
{
	ends_free(&o->ends);
	free(o->inode);
	free(o);
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

/* ---- peers --------------------------------------------------------------------------------------
 */

static const struct model_process *process_of_pid(const struct model *m, int pid)
{
	for (size_t i = m->processes_count; i-- > 0;)
		if (m->processes[i].pid == pid)
			return &m->processes[i];
	return NULL;
}

static const char *comm_of(const struct model *m, int pid, char *room, size_t size)
{
	const struct model_process *p = process_of_pid(m, pid);

	if (p)
		return p->comm;
	return util_comm(pid, room, size) ? room : NULL;
}

/* The name that the kernel told when the call failed, else that of the record; NULL unknown. */
static const char *comm_then(const struct model *m, const struct model_eagain *e, int pid,
			     const char *told)
{
	const struct model_process *p = process_of_pid(m, pid);

	return e->has_facts && *told ? told : p ? p->comm : NULL;
}

/* A receiver of datagrams in the session, by the name that it is bound to. */
static int receiver_of(const struct model *m, const struct model_eagain *e)
{
	for (size_t i = 0; e->target && i < m->opens_count; i++) {
		const struct model_open *x = &m->opens[i];

		if (x->kind == KIND_unix_dgram && !(x->flags & SLOT_CONNECTED) && x->target &&
		    !strcmp(x->target, e->target))
			return m->processes[x->process].pid;
	}
	for (size_t i = 0; e->target && i < m->gone_count; i++) {
		const struct model_gone *x = &m->gone[i];

		if (x->kind == KIND_unix_dgram && !(x->flags & SLOT_CONNECTED) && x->target &&
		    !strcmp(x->target, e->target))
			return m->processes[x->process].pid;
	}
	return 0;
}

/* Who has the other end open now; it lives, and is who it was. */
static int present_peer(const struct model_others *o, const struct model_eagain *e)
{
	int mode;
	uint64_t inode = far_inode(o, e, &mode);
	const struct end *end =
		inode ? ends_find(&o->ends, inode, mode, e->has_facts ? e->facts_pid : 0,
				  e->has_facts ? e->facts.fd : -1)
		      : NULL;

	return end ? end->pid : 0;
}

static void find_address(const struct model_eagain *e, struct explain_in *in,
			 struct model_names *names)
{
	char *text;

	if (!have(e, FACT_peer_addr))
		return;
	text = record_address(e->facts.peer_addr, sizeof(e->facts.peer_addr));
	snprintf(names->peer_addr, sizeof(names->peer_addr), "%s", text);
	in->peer_addr = names->peer_addr;
	free(text);
}

static void find_peer(const struct model *m, const struct model_others *o, struct model_eagain *e,
		      struct explain_in *in, struct model_names *names)
{
	int now = concerns(m, e) ? present_peer(o, e) : 0;
	/* SO_PEERCRED of a socketpair is whoever made it, often the caller: that names nobody. */
	bool own = have(e, FACT_peer) && (int)e->facts.peer_pid == e->facts_pid;
	int was = have(e, FACT_peer) && !own ? (int)e->facts.peer_pid : 0;

	in->peer_pid = now ? now : was;
	if (!in->peer_pid && e->kind == KIND_unix_dgram)
		in->peer_pid = receiver_of(m, e);
	if (in->peer_pid)
		in->peer_comm = comm_of(m, in->peer_pid, names->peer, sizeof(names->peer));
	if (was && in->peer_pid == was && *e->facts.peer_comm)
		in->peer_comm = e->facts.peer_comm;
	else if (own)
		in->peer_unknown = "a pair of this process's own making, and gone by now";
	else if (e->has_facts)
		in->peer_unknown = "gone by now, or not for us to see";
	find_address(e, in, names);
	e->other_role = "peer";
	if (now || (in->peer_pid && ran_before(m, e, in->peer_pid)))
		e->other_pid = in->peer_pid;
}

/* ---- listeners ----------------------------------------------------------------------------------
 */

static void find_queue(const struct model *m, const struct model_others *o, struct model_eagain *e,
		       struct explain_in *in)
{
	const struct unix_pair *b = concerns(m, e) && is_unix(e->kind) ? bound(o, e) : NULL;

	if (have(e, FACT_queue)) {
		in->queue_known = true;
		in->queue = e->facts.queue;
		in->backlog = e->facts.backlog;
	}
	if (have(e, FACT_somaxconn))
		in->somaxconn = e->facts.somaxconn;
	if (!b || !b->listening)
		return;
	e->now_known = in->now_known = true;
	e->now_queue = in->now_queue = b->queue;
	e->now_backlog = in->now_backlog = b->backlog;
}

static void find_listener(const struct model *m, struct model_eagain *e, struct explain_in *in)
{
	const struct model_listener *l;

	e->listener = model_listener_of(m, e->target);
	e->other_role = "listener";
	if (e->listener == MODEL_NONE)
		return;
	l = &m->listeners[e->listener];
	in->listener_known = true;
	in->listener_pid = l->pid;
	in->listener_comm = l->comm;
	in->listener_backlog = l->backlog;
	in->listener_accepted = l->accepts != 0;
	in->listener_accepts = l->accepts;
	in->listener_accepting_ns = l->last_accept_ns - l->first_accept_ns;
	if (e->last_ns > l->last_accept_ns)
		in->listener_last_accept_age_ns = e->last_ns - l->last_accept_ns;
	e->other_pid = l->alive ? l->pid : 0;
}

/* ---- holders ------------------------------------------------------------------------------------
 */

/* false: not a call that locks. */
static bool kind_of_lock(const struct model_eagain *e, enum holder_kind *ret)
{
	enum call_class class = call_class(e->call);

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

	if (have(e, FACT_inode)) {
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

static void find_holder_pid(const struct model *m, const struct model_eagain *e,
			    enum holder_kind kind, struct explain_in *in, struct holder *h)
{
	const struct model_process *locker;
	uint64_t dev, inode;

	if (have(e, FACT_holder)) {
		in->holder_pid = (int)e->facts.holder_pid;
		h->exclusive = e->facts.holder_exclusive;
	} else if (!file_of(e, &dev, &inode)) {
		in->holder_unknown = e->has_facts ? NULL : "no facts were taken";
	} else if (holder_find(kind, dev, inode, h)) {
		in->holder_pid = h->pid;
		in->holder_taker = h->taker;
	} else if ((locker = model_locker_of(m, e))) {
		in->holder_pid = locker->pid;
		in->holder_cmdline = locker->argv;
		in->holder_let_go = true;
	} else {
		in->holder_unknown = "nobody holds it any more, or not for us to see";
	}
}

static void find_holder(const struct model *m, struct model_eagain *e, enum holder_kind kind,
			struct explain_in *in, struct holder *h)
{
	find_holder_pid(m, e, kind, in, h);
	e->other_role = "holder";
	if (!in->holder_pid)
		return;
	in->holder_comm = comm_then(m, e, in->holder_pid, e->facts.holder_comm);
	if (in->holder_let_go)
		return;
	in->holder_mode = h->exclusive ? "exclusive" : "shared";
	in->holder_runs_ns = ran_before(m, e, in->holder_pid);
	if (!in->holder_runs_ns)
		return;
	holder_describe(in->holder_pid, h);
	if (*h->comm)
		in->holder_comm = h->comm;
	in->holder_cmdline = *h->cmdline ? h->cmdline : NULL;
	e->other_pid = in->holder_pid;
}

static void find_setter(const struct model *m, struct model_eagain *e, struct explain_in *in,
			struct model_names *names)
{
	model_set_by_others(m, e);
	in->set_by_pid = e->set_pid;
	in->set_by_shared = e->set_shared;
	if (e->set_pid)
		in->set_by_comm = comm_of(m, e->set_pid, names->setter, sizeof(names->setter));
}

void model_others_of(const struct model *m, const struct model_others *o, struct model_eagain *e,
		     struct explain_in *in, struct model_names *names)
{
	enum call_class class = call_class(e->call);
	enum holder_kind kind;

	find_setter(m, e, in, names);
	if (kind_of_lock(e, &kind)) {
		find_holder(m, e, kind, in, &names->holder);
		in->lease_break_s = setting("/proc/sys/fs/lease-break-time", NULL);
		return;
	}
	find_peer(m, o, e, in, names);
	if (class == CLASS_connect) {
		find_queue(m, o, e, in);
		find_listener(m, e, in);
		in->port_first = setting("/proc/sys/net/ipv4/ip_local_port_range", &in->port_last);
	}
	if (e->kind == KIND_unix_dgram)
		in->max_dgram_qlen = setting("/proc/sys/net/unix/max_dgram_qlen", NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * probe_unix.c - the other side of an AF_UNIX socket: the listener that a connect did not get
 * through to, with its queue and backlog, and the peer that does not read.
 */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "attrs.h"
#include "calls.h"
#include "probe_diag.h"
#include "probe_parts.h"
#include "self.h"
#include "sysc.h"

#define HAVE(f, bit) ((f)->have |= 1u << FACT_##bit)

struct search {
	struct probe_aside aside;
	struct probe_diag diag;
	int64_t somaxconn;
	uint32_t ino; /* of the socket that has the peer */
	uint32_t pid; /* of the peer, 0 unknown */
	char comm[PROBE_COMM];
};

/* A setting of the machine, and dear to ask: PROBE_KNOWN_NS is near enough. */
static int64_t ask_somaxconn(uint64_t now_ns)
{
	static uint64_t asked_ns;
	static int64_t last;

	if (last <= 0 || now_ns - asked_ns >= PROBE_KNOWN_NS) {
		last = probe_aside_number("/proc/sys/net/core/somaxconn");
		asked_ns = now_ns;
	}
	return last;
}

static int look_for_listener(struct probe_aside *a)
{
	struct search *s = a->arg;
	int r = probe_diag_listener(a, &s->diag);

	s->somaxconn = ask_somaxconn(a->now_ns);
	return r;
}

static void ask_listener(struct search *s, struct record_facts *f)
{
	int error;

	s->aside = (struct probe_aside){
		.look = look_for_listener, .arg = s, .now_ns = f->time_ns};
	error = probe_aside_run(&s->aside);
	if (error) {
		f->why[WHY_diag] = (uint16_t)-error;
	} else {
		f->peer_inode = s->diag.ino;
		f->queue = s->diag.rqueue;
		f->backlog = s->diag.wqueue;
		HAVE(f, peer_inode);
		HAVE(f, queue);
		HAVE(f, backlog);
	}
	if (s->somaxconn > 0) {
		f->somaxconn = (uint32_t)s->somaxconn;
		HAVE(f, somaxconn);
	} else {
		f->why[WHY_proc] = s->somaxconn ? (uint16_t)-s->somaxconn : f->why[WHY_diag];
	}
}

/* The socket file that `un` names; -errno. */
static long stat_path(const struct sockaddr_un *un, uint32_t name_bytes, struct stat *ret)
{
	char path[sizeof(un->sun_path) + 1];

	if (name_bytes > sizeof(un->sun_path))
		name_bytes = sizeof(un->sun_path);
	memcpy(path, un->sun_path, name_bytes);
	path[name_bytes] = '\0';
	return sysc(SYS_newfstatat, AT_FDCWD, path, ret, 0);
}

static COLD void find_listener(const struct sockaddr_un *un, uint32_t name_bytes,
			       struct record_facts *f)
{
	struct search s = {.diag = {.name = un->sun_path, .name_bytes = name_bytes}};
	struct stat st;
	long r;

	if (*un->sun_path) {
		r = stat_path(un, name_bytes, &st);
		if (r) {
			f->why[WHY_diag] = (uint16_t)-r;
			return;
		}
		f->dev = s.diag.dev = st.st_dev;
		f->inode = s.diag.inode = st.st_ino;
		HAVE(f, inode);
	}
	ask_listener(&s, f);
}

void probe_listener(const struct probe_in *in, struct record_facts *f)
{
	const uint32_t head = offsetof(struct sockaddr_un, sun_path);

	if (probe_connects_unix(in))
		find_listener(in->addr, in->addr_bytes - head, f);
}

static int look_for_peer(struct probe_aside *a)
{
	struct search *s = a->arg;

	if (s->pid)
		probe_aside_comm(a, s->pid, s->comm);
	return probe_diag_peer(a, s->ino, &s->diag);
}

static COLD void find_peer(struct record_facts *f)
{
	bool own = f->peer_pid == self_gate.pid; /* who made a pair: that names nobody */
	struct search s = {.ino = (uint32_t)f->inode,
			   .diag.stream = f->sock_type != SOCK_DGRAM,
			   .pid = own ? 0 : f->peer_pid};
	int error;

	s.aside = (struct probe_aside){.look = look_for_peer, .arg = &s, .now_ns = f->time_ns};
	error = probe_aside_run(&s.aside);
	memcpy(f->peer_comm, s.comm, sizeof(f->peer_comm));
	if (error) {
		f->why[WHY_diag] = (uint16_t)-error;
		return;
	}
	f->peer_inode = s.diag.ino;
	HAVE(f, peer_inode);
	if (f->sock_type == SOCK_DGRAM)
		return; /* its length is that of one datagram */
	f->peer_unread = s.diag.rqueue;
	HAVE(f, peer_unread);
}

void probe_peer(const struct probe_in *in, struct record_facts *f)
{
	if (f->sock_domain == AF_UNIX && f->have & 1u << FACT_inode && !probe_receives(in) &&
	    in->call != CALL_connect)
		find_peer(f);
}

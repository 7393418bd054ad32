/* SPDX-License-Identifier: MIT */
/*
 * probe.c - facts that need no fd: what the kernel says of the fd itself. See probe.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "probe.h"
#include "probe_parts.h"
#include "self.h"
#include "sysc.h"

#define HAVE(f, bit) ((f)->have |= 1u << FACT_##bit)

static bool option(int fd, int level, int name, void *value, socklen_t bytes)
{
	return !sysc(SYS_getsockopt, fd, level, name, value, &bytes);
}

static uint64_t timeout_ns(int fd, int name)
{
	struct {
		int64_t sec, usec;
	} t = {0, 0};

	return option(fd, SOL_SOCKET, name, &t, sizeof(t))
		       ? (uint64_t)t.sec * 1000000000u + (uint64_t)t.usec * 1000u
		       : 0;
}

/* A blocking socket fails when its timeout has run out, not before. */
static bool timed(const struct probe_in *in, struct record_facts *f)
{
	bool receives = probe_receives(in);

	f->timeout_ns = f->waited_ns = timeout_ns(in->fd, receives ? SO_RCVTIMEO : SO_SNDTIMEO);
	if (!f->timeout_ns)
		return false;
	f->mode = receives ? MODE_rcvtimeo : MODE_sndtimeo;
	HAVE(f, timeout);
	HAVE(f, waited);
	return true;
}

/* Which of the ways to fail at once, or after a while, was in force. */
static void mode(const struct probe_in *in, bool is_socket, struct record_facts *f)
{
	long flags = in->msg_flags & MSG_DONTWAIT ? 0 : sysc(SYS_fcntl, in->fd, F_GETFL);

	if (flags < 0)
		return;
	if (in->msg_flags & MSG_DONTWAIT)
		f->mode = MODE_dontwait;
	else if (flags & O_NONBLOCK)
		f->mode = MODE_nonblock;
	else if (!is_socket || !timed(in, f))
		return;
	HAVE(f, mode);
}

static void peer(int fd, struct record_facts *f)
{
	struct {
		int32_t pid;
		uint32_t uid, gid;
	} cred;

	if (f->sock_domain != AF_UNIX ||
	    !option(fd, SOL_SOCKET, SO_PEERCRED, &cred, sizeof(cred)) || cred.pid <= 0)
		return;
	f->peer_pid = (uint32_t)cred.pid;
	f->peer_uid = cred.uid;
	HAVE(f, peer);
}

/* An accepted connection goes by the name of its listener: this is who is served. */
static void far_address(int fd, struct record_facts *f)
{
	uint32_t bytes = sizeof(f->peer_addr);

	if (!sysc(SYS_getpeername, fd, f->peer_addr, &bytes) && bytes <= sizeof(f->peer_addr))
		HAVE(f, peer_addr);
}

static void tcp(int fd, struct record_facts *f)
{
	struct tcp_info t;

	memset(&t, 0, sizeof(t));
	if (f->sock_type != SOCK_STREAM || f->sock_domain == AF_UNIX ||
	    !option(fd, IPPROTO_TCP, TCP_INFO, &t, sizeof(t)))
		return;
	f->tcp_state = t.tcpi_state;
	f->tcp_unacked = t.tcpi_unacked;
	f->tcp_rwnd = t.tcpi_snd_wnd;
	f->tcp_cwnd = t.tcpi_snd_cwnd;
	f->tcp_retransmits = t.tcpi_total_retrans;
	HAVE(f, tcp);
	far_address(fd, f);
}

/* Of an AF_UNIX socket SIOCOUTQ is the memory that its sends take: both numbers in one answer. */
static bool unix_room(int fd, struct record_facts *f)
{
	uint32_t told[SK_MEMINFO_VARS];

	if (f->sock_domain != AF_UNIX ||
	    !option(fd, SOL_SOCKET, SO_MEMINFO, told, sizeof(told)))
		return false;
	f->sndbuf_bytes = told[SK_MEMINFO_SNDBUF];
	f->outq_bytes = told[SK_MEMINFO_WMEM_ALLOC];
	HAVE(f, sndbuf);
	HAVE(f, outq);
	return true;
}

static void room(int fd, struct record_facts *f)
{
	int size = 0, queued = 0;

	if (option(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size))) {
		f->sndbuf_bytes = (uint64_t)size;
		HAVE(f, sndbuf);
	}
	if (!sysc(SYS_ioctl, fd, SIOCOUTQ, &queued)) {
		f->outq_bytes = (uint64_t)queued;
		HAVE(f, outq);
	}
}

static void socket_facts(const struct probe_in *in, struct record_facts *f)
{
	int queued = 0;

	if (probe_connects_unix(in))
		return; /* it has no peer yet, and nothing in its buffers */
	if (!option(in->fd, SOL_SOCKET, SO_DOMAIN, &f->sock_domain, sizeof(int)) ||
	    !option(in->fd, SOL_SOCKET, SO_TYPE, &f->sock_type, sizeof(int)))
		return;
	HAVE(f, type);
	if (!unix_room(in->fd, f))
		room(in->fd, f);
	if (!sysc(SYS_ioctl, in->fd, FIONREAD, &queued)) {
		f->inq_bytes = (uint64_t)queued;
		HAVE(f, inq);
	}
	peer(in->fd, f);
	tcp(in->fd, f);
}

static void pipe_facts(const struct probe_in *in, struct record_facts *f)
{
	long size = sysc(SYS_fcntl, in->fd, F_GETPIPE_SZ);
	int queued = 0;

	if (size > 0) {
		f->pipe_bytes = (uint64_t)size;
		HAVE(f, pipe);
	}
	if (!sysc(SYS_ioctl, in->fd, FIONREAD, &queued)) {
		f->inq_bytes = (uint64_t)queued;
		HAVE(f, inq);
	}
}

static void fd_facts(const struct probe_in *in, struct record_facts *f)
{
	struct stat st;

	/* Of a connect the inode is that of the name, if it has one. */
	if (probe_connects_unix(in) && *((const struct sockaddr_un *)in->addr)->sun_path) {
		mode(in, true, f);
		return;
	}
	if (sysc(SYS_fstat, in->fd, &st))
		return;
	mode(in, S_ISSOCK(st.st_mode), f);
	f->dev = st.st_dev;
	f->inode = st.st_ino;
	HAVE(f, inode);
	if (S_ISSOCK(st.st_mode))
		socket_facts(in, f);
	else if (S_ISFIFO(st.st_mode))
		pipe_facts(in, f);
}

void probe_take(const struct probe_in *in, struct record_facts *ret)
{
	uint64_t began;

	ret->time_ns = in->now_ns;
	ret->fd = in->fd;
	ret->tid = self_tid();
	ret->kind = in->kind;
	ret->msg_flags = in->msg_flags;
	ret->asked_bytes = in->asked_bytes;
	if (self_gate.seccomp) {
		for (unsigned i = 0; i < WHY_COUNT; i++)
			ret->why[i] = EPERM;
		return;
	}
	began = self_clock(CLOCK_MONOTONIC);
	if (in->fd >= 0)
		fd_facts(in, ret);
	probe_lock(in, ret);
	probe_listener(in, ret);
	probe_peer(in, ret);
	probe_limits(in, ret);
	ret->cost_ns = self_clock(CLOCK_MONOTONIC) - began;
}

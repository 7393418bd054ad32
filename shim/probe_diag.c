/* SPDX-License-Identifier: MIT */
/*
 * probe_diag.c - see probe_diag.h. Never waits: a dump is made while it is received.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include "probe_diag.h"
#include "sysc.h"

#define LISTENING 10 /* TCP_LISTEN, as the kernel calls it */
#define SHOW_LISTENER (UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN)

struct request {
	struct nlmsghdr head;
	struct unix_diag_req body;
};

static long ask(long s, uint32_t ino, uint32_t states, uint32_t show, uint16_t flags)
{
	const struct request r = {
		.head = {.nlmsg_len = sizeof(r),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)},
		.body = {.sdiag_family = AF_UNIX,
			 .udiag_states = states,
			 .udiag_ino = ino,
			 .udiag_show = show,
			 .udiag_cookie = {~0u, ~0u}},
	};

	return sysc(SYS_sendto, s, &r, sizeof(r), MSG_DONTWAIT, 0, 0);
}

static long answer(long s, const struct probe_aside *a)
{
	return sysc(SYS_recvfrom, s, a->room, PROBE_ROOM, MSG_DONTWAIT, 0, 0);
}

struct found {
	const struct unix_diag_vfs *vfs;
	const struct unix_diag_rqlen *queue;
	const uint32_t *peer;
	const char *name;
	uint32_t name_bytes;
};

static void take_attribute(const struct nlattr *x, struct found *f)
{
	const void *data = x + 1;
	uint32_t bytes = x->nla_len - (uint32_t)sizeof(*x);

	if (x->nla_type == UNIX_DIAG_VFS && bytes >= sizeof(*f->vfs))
		f->vfs = data;
	else if (x->nla_type == UNIX_DIAG_RQLEN && bytes >= sizeof(*f->queue))
		f->queue = data;
	else if (x->nla_type == UNIX_DIAG_PEER && bytes >= sizeof(*f->peer))
		f->peer = data;
	else if (x->nla_type == UNIX_DIAG_NAME) {
		f->name = data;
		f->name_bytes = bytes;
	}
}

static struct found attributes(const struct nlmsghdr *h)
{
	const size_t head = sizeof(*h) + sizeof(struct unix_diag_msg);
	const char *at = (const char *)h + head, *end = (const char *)h + h->nlmsg_len;
	struct found f = {0};

	while (end - at >= (long)sizeof(struct nlattr)) {
		const struct nlattr *x = (const struct nlattr *)(const void *)at;

		if (x->nla_len < sizeof(*x) || x->nla_len > end - at)
			break;
		take_attribute(x, &f);
		at += (x->nla_len + 3u) & ~3u;
	}
	return f;
}

/* The kernel tells 32 bits of the inode, and its own form of the device. */
static bool is_wanted(const struct probe_diag *d, const struct found *f)
{
	if (!f->queue)
		return false;
	if (!d->inode)
		return f->name && f->name_bytes == d->name_bytes &&
		       !memcmp(f->name, d->name, d->name_bytes);
	return f->vfs && f->vfs->udiag_vfs_ino == (uint32_t)d->inode &&
	       f->vfs->udiag_vfs_dev >> 20 == major(d->dev) &&
	       (f->vfs->udiag_vfs_dev & 0xfffffu) == minor(d->dev);
}

static void take(const struct nlmsghdr *h, const struct found *f, struct probe_diag *ret)
{
	ret->ino = ((const struct unix_diag_msg *)(const void *)(h + 1))->udiag_ino;
	ret->peer = f->peer ? *f->peer : 0;
	ret->rqueue = f->queue ? f->queue->udiag_rqueue : 0;
	ret->wqueue = f->queue ? f->queue->udiag_wqueue : 0;
}

/*
 * One datagram of answers. 1: found. 0: go on. -ENOENT: that was all. Else the error told. One that
 * is asked for by its number is the first answer.
 */
static int read_answers(const struct probe_aside *a, long bytes, bool any, struct probe_diag *d)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)a->room;

	for (; bytes >= (long)sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= bytes;
	     bytes -= (h->nlmsg_len + 3u) & ~3u,
	     h = (const void *)((const char *)h + ((h->nlmsg_len + 3u) & ~3u))) {
		struct found f;

		if (h->nlmsg_type == NLMSG_DONE)
			return -ENOENT;
		if (h->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *e = (const void *)(h + 1);

			return e->error ? e->error : -ENOENT;
		}
		if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		    h->nlmsg_len < sizeof(*h) + sizeof(struct unix_diag_msg))
			continue;
		f = attributes(h);
		if (!any && !is_wanted(d, &f))
			continue;
		take(h, &f, d);
		return 1;
	}
	return 0;
}

static long open_diag(void)
{
	return sysc(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

static int one(struct probe_aside *a, long s, uint32_t ino, uint32_t show, bool any,
	       struct probe_diag *d)
{
	long n = ask(s, ino, ~0u, show, 0);
	int r;

	if (n > 0)
		n = answer(s, a);
	if (n < 0)
		return (int)n;
	r = read_answers(a, n, any, d);
	return r > 0 ? 0 : r ? r : -ENOENT;
}

static int search(struct probe_aside *a, long s, struct probe_diag *d)
{
	long n = ask(s, 0, 1u << LISTENING, SHOW_LISTENER, NLM_F_DUMP);
	int r = 0;

	while (n > 0 && !r) {
		n = answer(s, a);
		r = n > 0 ? read_answers(a, n, false, d) : 0;
		if (!r && probe_aside_late(a))
			r = -ETIMEDOUT;
	}
	return r > 0 ? 0 : r ? r : (int)n;
}

/*
 * A search costs 18 us. One that is known costs 3 to 12: the kernel goes through its table from the
 * start. So what was found is kept; where that is not true any more, the answer shows it.
 */
#define KNOWN 8

static unsigned place_of(const struct probe_diag *d)
{
	unsigned n = (unsigned)d->inode;

	for (uint32_t i = 0; !d->inode && i < d->name_bytes; i++)
		n += (unsigned char)d->name[i];
	return n % KNOWN;
}

int probe_diag_listener(struct probe_aside *a, struct probe_diag *d)
{
	static uint32_t listeners[KNOWN];
	uint32_t *known = &listeners[place_of(d)];
	long s = open_diag();
	int r;

	if (s < 0)
		return (int)s;
	r = *known ? one(a, s, *known, SHOW_LISTENER, false, d) : -ENOENT;
	if (r)
		r = search(a, s, d);
	sysc(SYS_close, s);
	if (!r)
		*known = d->ino;
	return r;
}

/* The peer is known, and still says that it is the peer of `ino`. */
static bool again(struct probe_aside *a, long s, uint32_t ino, uint64_t known, struct probe_diag *d)
{
	return known >> 32 == ino &&
	       !one(a, s, (uint32_t)known, UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN, true, d) &&
	       d->peer == ino;
}

static int ask_peer(struct probe_aside *a, long s, uint32_t ino, struct probe_diag *d)
{
	int r = one(a, s, ino, UDIAG_SHOW_PEER, true, d);

	if (r)
		return r;
	if (!d->peer)
		return -ENOTCONN;
	if (d->stream)
		return one(a, s, d->peer, UDIAG_SHOW_RQLEN, true, d);
	d->ino = d->peer;
	return 0;
}

int probe_diag_peer(struct probe_aside *a, uint32_t ino, struct probe_diag *d)
{
	static uint64_t peers[KNOWN];
	uint64_t *known = &peers[ino % KNOWN];
	long s = open_diag();
	int r = 0;

	if (s < 0)
		return (int)s;
	if (!d->stream || !again(a, s, ino, *known, d))
		r = ask_peer(a, s, ino, d);
	sysc(SYS_close, s);
	if (!r && d->stream)
		*known = (uint64_t)ino << 32 | d->ino;
	return r;
}

/* SPDX-License-Identifier: MIT */
/* model_peers.c - see model_states.h. */
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include "model_states.h"
#include "util.h"

#define LISTENING 10 /* TCP_LISTEN; UNIX sockets have the states of TCP */

/* ---- UNIX sockets -------------------------------------------------------------------------------
 */

struct told {
	bool nameless; /* a peer without inode */
	unsigned shut;
};

static void take_attribute(const struct nlattr *a, struct unix_pair *p, struct told *t)
{
	const struct unix_diag_vfs *file = mnl_attr_get_payload(a);
	const struct unix_diag_rqlen *length = mnl_attr_get_payload(a);
	uint16_t type = mnl_attr_get_type(a), bytes = mnl_attr_get_payload_len(a);

	if (type == UNIX_DIAG_PEER && bytes >= sizeof(uint32_t)) {
		p->peer = mnl_attr_get_u32(a);
		t->nameless = !p->peer;
	} else if (type == UNIX_DIAG_SHUTDOWN && bytes) {
		t->shut = mnl_attr_get_u8(a);
	} else if (type == UNIX_DIAG_VFS && bytes >= sizeof(*file)) {
		p->file_inode = file->udiag_vfs_ino;
		p->file_dev = file->udiag_vfs_dev;
	} else if (type == UNIX_DIAG_RQLEN && bytes >= sizeof(*length)) {
		p->queue = length->udiag_rqueue;
		p->backlog = length->udiag_wqueue;
	}
}

static int take_socket(const struct nlmsghdr *h, void *arg)
{
	const struct unix_diag_msg *m = mnl_nlmsg_get_payload(h);
	struct ends *e = arg;
	struct unix_pair *p = UTIL_PUSH(e->pair, e->pairs, e->pairs_room);
	const struct nlattr *a = mnl_nlmsg_get_payload_offset(h, sizeof(*m));
	const char *end = mnl_nlmsg_get_payload_tail(h);
	struct told t = {0};

	*p = (struct unix_pair){.inode = m->udiag_ino, .listening = m->udiag_state == LISTENING};
	for (; mnl_attr_ok(a, (int)(end - (const char *)a)); a = mnl_attr_next(a))
		take_attribute(a, p, &t);
	/* No inode: closed, or still in a backlog. The first shuts this end, too. */
	if (t.nameless && !t.shut && m->udiag_type == SOCK_STREAM)
		p->peer = ENDS_UNACCEPTED;
	if (!p->listening && m->udiag_type != SOCK_DGRAM)
		p->file_inode = 0; /* what was accepted has the name of its listener */
	return MNL_CB_OK;
}

static int by_inode(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void ends_read_unix(struct ends *e)
{
	char room[32768];
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	struct unix_diag_req *r;
	struct mnl_socket *s = mnl_socket_open(NETLINK_SOCK_DIAG);
	unsigned seq = (unsigned)time(NULL);
	ssize_t n = -1;

	if (!s)
		return;
	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = seq;
	r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	r->sdiag_family = AF_UNIX;
	r->udiag_states = ~0u;
	r->udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN;
	if (!mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) && mnl_socket_sendto(s, h, h->nlmsg_len) > 0)
		do
			n = mnl_socket_recvfrom(s, room, sizeof(room));
		while (n > 0 && mnl_cb_run(room, (size_t)n, seq, mnl_socket_get_portid(s),
					   take_socket, e) > 0);
	mnl_socket_close(s);
	if (e->pairs)
		qsort(e->pair, e->pairs, sizeof(*e->pair), by_inode);
}

bool ends_unix_peer(const struct ends *e, uint64_t inode, uint64_t *ret_peer)
{
	const struct unix_pair *p =
		e->pairs ? bsearch(&inode, e->pair, e->pairs, sizeof(*e->pair), by_inode) : NULL;

	if (!p)
		return false;
	*ret_peer = p->peer;
	return true;
}

static bool same_device(uint32_t kernel, uint64_t dev)
{
	return kernel >> 20 == major(dev) && (kernel & 0xfffff) == minor(dev);
}

/* On some filesystems stat(2) numbers devices otherwise: then the inode alone has to do. */
const struct unix_pair *ends_unix_bound(const struct ends *e, uint64_t dev, uint64_t inode)
{
	const struct unix_pair *only = NULL;
	unsigned found = 0;

	for (size_t i = 0; i < e->pairs; i++) {
		/* The kernel tells the low 32 bits of it. */
		if (!e->pair[i].file_inode || e->pair[i].file_inode != (uint32_t)inode)
			continue;
		if (same_device(e->pair[i].file_dev, dev))
			return &e->pair[i];
		only = &e->pair[i];
		found++;
	}
	return found == 1 ? only : NULL;
}

/* ---- who has it open ----------------------------------------------------------------------------
 */

/* Files are not looked at but by name: one may be on a disk that does not answer. */
static uint64_t fifo_inode(const struct ends *e, const char *path, const char *link)
{
	struct stat st;

	for (size_t i = 0; *link == '/' && i < e->fifos; i++)
		if (!strcmp(e->fifo[i], link))
			return !stat(path, &st) && S_ISFIFO(st.st_mode) ? st.st_ino : 0;
	return 0;
}

/* The mode bits of the link tell how it is open. */
static void take_link(struct ends *e, int pid, int fd)
{
	char path[64], link[4096];
	unsigned long long inode;
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	if (sscanf(link, "pipe:[%llu]", &inode) != 1 && sscanf(link, "socket:[%llu]", &inode) != 1)
		inode = fifo_inode(e, path, link);
	if (!bsearch(&(uint64_t){inode}, e->wanted, e->wanted_count, sizeof(uint64_t), by_inode) ||
	    lstat(path, &st))
		return;
	*UTIL_PUSH(e->end, e->count, e->room) = (struct end){
		.inode = inode,
		.pid = pid,
		.fd = fd,
		.mode = (st.st_mode & S_IRUSR ? END_reads : 0) |
			(st.st_mode & S_IWUSR ? END_writes : 0),
	};
	util_comm(pid, e->end[e->count - 1].comm, sizeof(e->end->comm));
}

struct scan {
	struct ends *ends;
	int pid;
};

static bool scan_fd(int fd, void *arg)
{
	struct scan *s = arg;

	take_link(s->ends, s->pid, fd);
	return false;
}

static bool scan_process(int pid, void *arg)
{
	struct scan s = {.ends = arg, .pid = pid};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	/* gone is not hidden */
	s.ends->complete &= !util_any_number(path, scan_fd, &s) || access(path, F_OK) != 0;
	return false;
}

void ends_scan(struct ends *e, uint64_t *inode, size_t n)
{
	qsort(inode, n, sizeof(*inode), by_inode);
	e->wanted = inode;
	e->wanted_count = n;
	e->complete = true;
	if (util_any_number("/proc", scan_process, e))
		e->complete = false;
	e->wanted = NULL;
	e->wanted_count = 0;
	if (e->count)
		qsort(e->end, e->count, sizeof(*e->end), by_inode);
}

static const struct end *first_of(const struct ends *e, uint64_t inode)
{
	const struct end *x =
		e->count ? bsearch(&inode, e->end, e->count, sizeof(*x), by_inode) : NULL;

	while (x && x > e->end && x[-1].inode == inode)
		x--;
	return x;
}

const struct end *ends_find(const struct ends *e, uint64_t inode, int mode, int pid, int fd)
{
	const struct end *own = NULL;

	for (const struct end *x = first_of(e, inode);
	     x && x < e->end + e->count && x->inode == inode; x++) {
		if ((x->mode & mode) != mode || (x->pid == pid && x->fd == fd))
			continue;
		if (x->pid != pid)
			return x;
		own = x;
	}
	return own;
}

void ends_free(struct ends *e)
{
	free(e->end);
	free(e->pair);
	free(e->tcp);
}

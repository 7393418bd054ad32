/* SPDX-License-Identifier: MIT */
/*
 * child.c - see child.h. Uses one transient fd on /proc/self/fd in reconcile; never in a
 * process under a seccomp filter.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "call.h"
#include "child.h"
#include "config.h"
#include "sysc.h"

void child_begin(void)
{
	self_gate.state = SELF_starting;
	self_forked();
	if (store.head->seccomp) { /* no system call of ours: the parent's record says so */
		store.head->child_errno = EPERM;
		self_add64(&store.head->missed[MISS_child_unrecorded], 1);
		self_gate.state = SELF_off;
		return;
	}
	if (!config.session || store_forked(config.session)) {
		self_gate.state = SELF_off; /* the mapping is still the parent's: touch nothing */
		return;
	}
	self_gate.pid = store.head->pid;
	self_gate.state = SELF_ready;
	slots_start();
	slots_inherit();
	store_publish();
}

/* ---- reconciling ------------------------------------------------------------------------------
 */

static enum record_kind anon_kind(const char *link)
{
	static const struct {
		const char *name;
		enum record_kind kind;
	} names[] = {
		{"anon_inode:[eventpoll]", KIND_epoll},
		{"anon_inode:[eventfd]", KIND_eventfd},
		{"anon_inode:[timerfd]", KIND_timerfd},
		{"anon_inode:[signalfd]", KIND_signalfd},
		{"anon_inode:[io_uring]", KIND_io_uring},
		{"anon_inode:inotify", KIND_inotify},
		{"anon_inode:[pidfd]", KIND_pidfd},
		{"anon_inode:[fanotify]", KIND_fanotify},
		{"/memfd:", KIND_memfd},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(link, names[i].name, strlen(names[i].name)))
			return names[i].kind;
	return KIND_anon;
}

static enum record_kind socket_kind(int fd)
{
	int domain = 0, type = 0;
	socklen_t n = sizeof(int);

	sysc(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &n);
	n = sizeof(int);
	sysc(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &n);
	return call_socket_kind(domain, type);
}

static enum record_kind kind_of(int fd, int flags, const char *link)
{
	struct stat st;

	if (sysc(SYS_fstat, fd, &st))
		return KIND_unknown;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return !strncmp(link, "/memfd:", 7) ? KIND_memfd : KIND_file;
	case S_IFDIR:
		return KIND_dir;
	case S_IFCHR:
		return !strncmp(link, "/dev/pts/", 9) || !strncmp(link, "/dev/tty", 8)
			       ? KIND_tty
			       : KIND_device;
	case S_IFBLK:
		return KIND_device;
	case S_IFIFO:
		if (*link == '/')
			return KIND_fifo;
		return (flags & O_ACCMODE) == O_RDONLY ? KIND_pipe_read : KIND_pipe_write;
	case S_IFSOCK:
		return socket_kind(fd);
	default:
		return anon_kind(link);
	}
}

/* "/proc/self/fd/<fd>" */
static void link_name(int fd, char *ret)
{
	static const char head[] = "/proc/self/fd/";
	char digits[12];
	size_t n = 0;

	memcpy(ret, head, sizeof(head) - 1);
	ret += sizeof(head) - 1;
	do {
		digits[n++] = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd);
	while (n)
		*ret++ = digits[--n];
	*ret = '\0';
}

static void found(int fd, bool first)
{
	char name[32], link[512] = "";
	long flags = sysc(SYS_fcntl, fd, F_GETFL);
	long fdflags = sysc(SYS_fcntl, fd, F_GETFD);
	uint32_t slot_flags = first ? SLOT_INHERITED : SLOT_UNSEEN, target = 0;
	long n;

	if (flags < 0)
		return;
	link_name(fd, name);
	n = sysc(SYS_readlinkat, AT_FDCWD, name, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	if (*link == '/')
		target = store_string(STRING_path, link, (size_t)n);
	slot_flags |= (flags & O_NONBLOCK ? SLOT_NONBLOCK : 0) |
		      (fdflags & FD_CLOEXEC ? SLOT_CLOEXEC : 0);
	slots_found(fd, (uint8_t)kind_of(fd, (int)flags, link), slot_flags, target);
	if (!first)
		store_missed(MISS_birth_unseen);
}

uint8_t child_kind(int fd)
{
	char name[32], link[512];
	long flags, n;

	if (self_gate.seccomp)
		return KIND_unknown;
	link_name(fd, name);
	flags = sysc(SYS_fcntl, fd, F_GETFL);
	n = sysc(SYS_readlinkat, AT_FDCWD, name, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	return (uint8_t)kind_of(fd, (int)flags, link);
}

static void drop_closed(bool first)
{
	int end = slots_end();

	for (int fd = 0; fd < end; fd++) {
		struct record_slot *s = slots_at(fd);

		if (!s)
			fd |= (int)RECORD_CHUNK_FDS - 1;
		else if (s->state == SLOT_closed || s->state == SLOT_closing)
			s->state = SLOT_free;
		else if (s->state == SLOT_open && sysc(SYS_fcntl, fd, F_GETFD) == -EBADF)
			slots_lost(fd, 0, !first && !(s->flags & SLOT_CLOEXEC));
		else if (s->state == SLOT_open)
			s->flags |= SLOT_EXECED | SLOT_INHERITED;
	}
}

struct dirent64_raw {
	uint64_t ino;
	int64_t off;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

static int number(const char *s)
{
	int n = 0;

	if (*s < '0' || *s > '9')
		return -1;
	for (; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (*s - '0');
	return n;
}

static void each_entry(const char *buf, long n, int self, bool first)
{
	for (long at = 0; at < n;) {
		const struct dirent64_raw *d = (const void *)(buf + at);
		int fd = number(d->name);
		const struct record_slot *s = fd < 0 ? NULL : slots_at(fd);

		if (fd >= 0 && fd != self && (!s || s->state != SLOT_open))
			found(fd, first);
		at += d->bytes;
	}
}

void child_reconcile(bool first)
{
	char buf[2048] __attribute__((aligned(8)));
	long dir, n;

	if (self_gate.seccomp)
		return;
	drop_closed(first);
	dir = sysc(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (dir < 0) { /* no /proc, or no fd left: the standard ones at least */
		for (int fd = 0; fd < 3; fd++)
			if (!slots_at(fd) || slots_at(fd)->state != SLOT_open)
				found(fd, first);
		return;
	}
	while ((n = sysc(SYS_getdents64, dir, buf, sizeof(buf))) > 0)
		each_entry(buf, n, (int)dir, first);
	sysc(SYS_close, dir);
}

/* ---- the end ----------------------------------------------------------------------------------
 */

static bool nothing_to_say(const struct record_header *h)
{
	int end = slots_end();

	if (h->eagains || h->misuses || h->limits || h->part[PART_ring].used > h->forks)
		return false;
	for (unsigned i = 0; i < MISS_COUNT; i++)
		if (h->missed[i])
			return false;
	for (int fd = 0; fd < end; fd++) {
		const struct record_slot *s = slots_at(fd);

		if (!s)
			fd |= (int)RECORD_CHUNK_FDS - 1;
		else if (s->state == SLOT_open && !(s->flags & SLOT_INHERITED))
			return false;
	}
	return true;
}

static void fill_total(struct record_total *t, int status)
{
	const struct record_header *h = store.head;
	const struct record_image *image = (struct record_image *)store_part(PART_images);
	const struct record_string *exe = store_string_at(image[h->part[PART_images].used - 1].exe);
	size_t skip = exe->bytes >= sizeof(t->exe) ? exe->bytes - sizeof(t->exe) + 1u : 0;

	*t = (struct record_total){
		.magic = RECORD_TOTAL_MAGIC,
		.version = RECORD_VERSION,
		.pid = h->pid,
		.ppid = h->ppid,
		.uid = (uint32_t)sysc(SYS_geteuid),
		.end_status = status,
		.created_ns = h->created_ns,
		.created_real_ns = h->created_real_ns,
		.end_ns = self_clock(CLOCK_MONOTONIC),
		.births = h->births,
		.deaths = h->deaths,
		.image_no = h->image_no,
		.fds_peak = h->fds_peak,
		.fds_open = h->fds_open,
	};
	memcpy(t->comm, h->comm, sizeof(t->comm));
	memcpy(t->exe, exe->data + skip, exe->bytes - skip);
}

void child_end(int status)
{
	struct record_total total;
	bool quiet;

	if (self_gate.state != SELF_ready || self_gate.pid != (uint32_t)sysc(SYS_getpid))
		return;
	quiet = !self_gate.seccomp && nothing_to_say(store.head);
	self_gate.state = SELF_off;
	self_gate.slots_below = 0;
	store_end(status & 0xff);
	if (!quiet)
		return;
	fill_total(&total, status & 0xff);
	store_end_quiet(config.session, &total);
}

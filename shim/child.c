/* SPDX-License-Identifier: MIT */
/*
 * child.c - see child.h. Makes no system call in a process under a seccomp filter.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include "call.h"
#include "child.h"
#include "child_table.h"
#include "config.h"
#include "store_spare.h"
#include "sysc.h"
#include "text.h"

/* When the slots are held against the kernel, and so whose doing a difference is. */
enum look {
	LOOK_first,  /* first image: what is there came from outside */
	LOOK_forked, /* the parent's, which tells of it, or its threads' at that instant */
	LOOK_later,
};

static void look_alone(enum look when);

/*
 * No system call of ours: the parent's record says so. Not looked at (a page to map) where a record
 * waits, which it does only without a filter.
 */
static bool cannot_follow(const struct store_fork *f)
{
	if (store_spare_waits(f) || !store.head->seccomp)
		return false;
	store.head->child_errno = EPERM;
	self_add64(&store.head->missed[MISS_child_unrecorded], 1);
	self_gate.seccomp = 1;
	return true;
}

static void begin(const struct store_fork *f)
{
	uint32_t tid = self_tid_cache; /* still the parent's thread's */

	self_gate.state = SELF_starting;
	self_forked();
	rules_forked(f->number);
	if (!store.head || cannot_follow(f) || !config.session || store_forked(config.session, f)) {
		self_gate.state = SELF_off; /* the mapping is the parent's: touch nothing */
		return;
	}
	self_gate.pid = store.head->pid;
	self_gate.state = SELF_ready;
	slots_start();
	slots_inherit(tid);
	look_alone(LOOK_forked);
	store_publish();
}

void child_begin(void)
{
	if (self_gate.state == SELF_new && self_began && !self_vforked())
		begin(&(const struct store_fork){.spare = NULL});
}

void child_forking(struct store_fork *f, const struct stack_seed *seed)
{
	*f = (struct store_fork){.number = rules_forking()};
	slots_before_fork(config.session, f);
	f->outermost = f->spare && stack_is_outermost(seed);
}

void child_forked(const struct store_fork *f, pid_t child)
{
	if (child) {
		slots_after_fork(f, child > 0);
		return;
	}
	/* Wiped: to read it first would be a fault more. */
	__atomic_fetch_or(&self_gate.state, 0, __ATOMIC_RELAXED);
	if (self_gate.state == SELF_new && self_began && !self_vforked())
		begin(f);
}

/* ---- reconciling ------------------------------------------------------------------------------
 */

static enum record_kind anon_kind(const char *link)
{
	static const struct {
		char name[28];
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

static void read_link(int fd, char *link, size_t size)
{
	char name[32];
	struct text t = {.s = name, .size = sizeof(name)};
	long n;

	text_put(&t, "/proc/self/fd/");
	text_put_number(&t, (uint64_t)fd, 10);
	n = sysc(SYS_readlinkat, AT_FDCWD, name, link, size - 1);
	link[n > 0 ? n : 0] = '\0';
}

static bool is_tty(dev_t device)
{
	unsigned number = major(device);

	return (number >= 136 && number <= 143) || number == 4 || number == 5;
}

/* Cheaper than its name, which is an inode of /proc. */
static bool is_nameless(int pipe)
{
	struct statfs fs;

	return !sysc(SYS_fstatfs, pipe, &fs) && fs.f_type == PIPEFS_MAGIC;
}

/* Asks for the name only where the type does not tell. */
static enum record_kind kind_of(int fd, int flags)
{
	struct stat st;
	char link[512];

	if (sysc(SYS_fstat, fd, &st))
		return KIND_unknown;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return KIND_file;
	case S_IFDIR:
		return KIND_dir;
	case S_IFCHR:
		return is_tty(st.st_rdev) ? KIND_tty : KIND_device;
	case S_IFBLK:
		return KIND_device;
	case S_IFIFO:
		if (!is_nameless(fd))
			return KIND_fifo;
		return (flags & O_ACCMODE) == O_RDONLY ? KIND_pipe_read : KIND_pipe_write;
	case S_IFSOCK:
		return socket_kind(fd);
	default:
		read_link(fd, link, sizeof(link));
		return anon_kind(link);
	}
}

/* Kind and flags are cheap; a name is looked up when something happens to the fd: child_name(). */
static void found(int fd, enum look when)
{
	long flags = sysc(SYS_fcntl, fd, F_GETFL);
	long fdflags = sysc(SYS_fcntl, fd, F_GETFD);
	uint32_t slot_flags = when == LOOK_first    ? SLOT_INHERITED | SLOT_EXECED
			      : when == LOOK_forked ? SLOT_INHERITED | SLOT_UNSEEN
						    : SLOT_UNSEEN;
	uint8_t kind;

	if (flags < 0)
		return;
	slot_flags |= (flags & O_NONBLOCK ? SLOT_NONBLOCK : 0) |
		      (fdflags & FD_CLOEXEC ? SLOT_CLOEXEC : 0);
	kind = (uint8_t)kind_of(fd, (int)flags);
	slots_found(fd, kind, slot_flags,
		    when == LOOK_later ? slots_now() : store.head->created_ns);
	if (when == LOOK_first)
		slots_execed(fd);
	if (when == LOOK_later)
		store_unseen(true, kind);
}

uint32_t child_name(int fd)
{
	char link[512] = "";

	if (!self_gate.seccomp)
		read_link(fd, link, sizeof(link));
	return *link == '/' ? store_string(STRING_path, link, strlen(link)) : 0;
}

uint8_t child_kind(int fd)
{
	if (self_gate.seccomp)
		return KIND_unknown;
	return (uint8_t)kind_of(fd, (int)sysc(SYS_fcntl, fd, F_GETFL));
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
			slots_execed(fd);
	}
}

/*
 * Which numbers are open: poll(2) with no events says POLLNVAL for those that are not, for many at
 * once. Where to end: child_table_end(), or after as many as there are: the size of /proc/self/fd
 * (Linux 6.2; to list it would make an inode for each). Numbers from PROBED on are found when they
 * are used.
 */
#define PROBED CHILD_PROBED
#define AT_FIRST 16
#define AT_ONCE 128

struct pollfd_raw {
	int fd;
	int16_t events, revents;
};
#define NOT_OPEN 0x20 /* POLLNVAL */

/* As many as can be, where the kernel does not tell. */
static uint64_t open_count(void)
{
	struct stat st;

	if (sysc(SYS_newfstatat, AT_FDCWD, "/proc/self/fd", &st, 0) || st.st_size <= 0)
		return UINT64_MAX;
	return (uint64_t)st.st_size;
}

/* By poll; by a call for each where there may be fewer open fds than are asked about. */
static void ask_open(struct pollfd_raw *p, int base, int count)
{
	const int64_t now[2] = {0, 0};

	for (int i = 0; i < count; i++)
		p[i] = (struct pollfd_raw){.fd = base + i};
	if (sysc(SYS_ppoll, p, count, now, 0, 8) >= 0)
		return;
	for (int i = 0; i < count; i++)
		if (sysc(SYS_fcntl, base + i, F_GETFD) < 0)
			p[i].revents = NOT_OPEN;
}

/* The slots of these numbers against the kernel. Returns how many are open. */
static uint64_t hold_against(int base, int count, enum look when)
{
	struct pollfd_raw p[AT_ONCE];
	uint64_t open = 0;

	ask_open(p, base, count);
	for (int i = 0; i < count; i++) {
		const struct record_slot *s = slots_at(base + i);
		bool is_open = !(p[i].revents & NOT_OPEN);

		open += is_open;
		if (!is_open && s && s->state == SLOT_open)
			slots_lost(base + i, 0, when == LOOK_later);
		if (is_open && (!s || (s->state != SLOT_open && s->state != SLOT_closing &&
				       !(s->flags & SLOT_QUARANTINED))))
			found(base + i, when);
	}
	return open;
}

/* Until `left` open ones were seen. */
static void find_all(enum look when, uint64_t limit, uint64_t left)
{
	uint64_t count, open;

	for (uint64_t base = 0; base < limit && left; base += count, left -= open) {
		count = base || left == UINT64_MAX ? AT_ONCE : AT_FIRST;
		if (count > limit - base)
			count = limit - base;
		open = hold_against((int)base, (int)count, when);
		if (open > left)
			open = left;
	}
}

void child_reconcile(bool first)
{
	enum look when = first ? LOOK_first : LOOK_later;
	uint64_t end;

	if (self_gate.seccomp)
		return;
	drop_closed(first);
	end = child_table_end((uint32_t)slots_end());
	find_all(when, end ? end : PROBED, end ? UINT64_MAX : open_count());
}

/* What is not open any more; `seq`: not closed and opened by a thread meanwhile. */
static void look_for_lost(enum look when)
{
	int end = slots_end();

	for (int fd = 0; fd < end; fd++) {
		const struct record_slot *s = slots_at(fd);
		uint32_t seq = s ? record_observe(&s->seq) : 0;

		if (!s)
			fd |= (int)RECORD_CHUNK_FDS - 1;
		else if (s->state == SLOT_open && sysc(SYS_fcntl, fd, F_GETFD) == -EBADF &&
			 record_peek(&s->seq) == seq)
			slots_lost(fd, 0, when == LOOK_later);
	}
}

/* Of a process with one thread: another may be between its open() and its birth. */
static void look_alone(enum look when)
{
	uint64_t end = child_table_end((uint32_t)slots_end()), open;

	if (end) {
		find_all(when, end, UINT64_MAX);
		return;
	}
	open = open_count();
	if (when == LOOK_forked && slots_end() > (int)PROBED && open == store.head->fds_open)
		return; /* so many that their number has to do */
	look_for_lost(when);
	find_all(when, PROBED, open);
}

void child_look(void)
{
	if (self_gate.seccomp)
		return;
	if (__libc_single_threaded)
		look_alone(LOOK_later);
	else
		look_for_lost(LOOK_later);
}

/* A thread that opens or closes meanwhile would be told as unseen. */
static bool is_alone(void)
{
	struct stat st;

	if (__libc_single_threaded)
		return true;
	return !sysc(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &st, 0) && st.st_nlink == 3;
}

/* ---- the end ----------------------------------------------------------------------------------
 */

/* A noted call leaves no event, only its site. */
static bool rules_acted(const struct record_header *h)
{
	const struct record_site *s = store_part(PART_sites);

	for (uint64_t i = 0; i < h->part[PART_sites].used && rules_map.end; i++)
		if (s[i].injected || s[i].error == RECORD_ERROR_NOTE)
			return true;
	return false;
}

static bool nothing_to_say(const struct record_header *h)
{
	int end = slots_end();

	/* Others may suffer from a mode that it set on what it shares with them. */
	if (h->eagains || h->misuses || h->limits || h->rules_why || h->part[PART_shared].used ||
	    h->shorts || !h->part[PART_images].used || h->part[PART_ring].used > h->forks)
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
	return !rules_acted(h);
}

/* It came through an exec, and nothing was ever done with it. */
static bool is_leaked(int fd, const struct record_slot *s)
{
	const uint32_t why = SLOT_TOUCHED | SLOT_MEANT;

	return fd > 2 && s->state == SLOT_open && s->flags & SLOT_EXECED && !s->uses &&
	       !(s->flags & why) && s->call != CALL_dup2 && s->call != CALL_dup3;
}

static void note_leaked(struct record_total *t)
{
	int end = slots_end();

	for (int fd = 0; fd < end; fd++) {
		const struct record_slot *s = slots_at(fd);

		if (!s)
			fd |= (int)RECORD_CHUNK_FDS - 1;
		else if (is_leaked(fd, s) && t->leaked++ < RECORD_TOTAL_LEAKED) {
			t->leaked_fd[t->leaked - 1] = fd;
			t->leaked_kind[t->leaked - 1] = s->kind;
		}
	}
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
		.end_ns = self_clock_asked(CLOCK_MONOTONIC),
		.births = h->births,
		.deaths = h->deaths,
		.image_no = h->image_no,
		.fds_peak = h->fds_peak,
		.fds_open = h->fds_open,
		.born_by = h->born_by,
	};
	note_leaked(t);
	memcpy(t->comm, h->comm, sizeof(t->comm));
	memcpy(t->exe, exe->data + skip, exe->bytes - skip);
}

void child_end(int status)
{
	struct record_total total;
	bool quiet;

	if (self_gate.state != SELF_ready || self_vforked())
		return;
	if (!self_gate.seccomp && is_alone())
		look_alone(LOOK_later);
	quiet = !self_gate.seccomp && nothing_to_say(store.head);
	if (quiet)
		fill_total(&total, status & 0xff);
	self_gate.state = SELF_off;
	self_slots(0);
	store_end(status & 0xff);
	if (quiet)
		store_end_quiet(config.session, &total);
	else if (!self_gate.seccomp)
		store_spare_drop(config.session, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * probe_lock.c - who holds the lock or lease that was in the way, as far as the kernel tells it at
 * once: on the very fd (fcntl(2) F_GETLK), or of the process's own descriptors (fdinfo). The rest
 * is the tool's: reading /proc/locks takes 10 to 20 ms and stops all locking of the machine.
 * Never opens the locked file: closing it would drop the target's own locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "calls.h"
#include "probe_aside.h"
#include "probe_parts.h"
#include "self.h"
#include "sysc.h"

#define HAVE(f, bit) ((f)->have |= 1u << FACT_##bit)
#define OWN_FDS 128 /* of the process's own numbers, so many are looked at */
#define OWN_MATCHES 8

enum via { VIA_getlk = 1, VIA_own_fd = 3 };

struct search {
	struct probe_aside aside;
	const char *word; /* "FLOCK" */
	uint64_t dev, inode;
	bool exclusive;
	int fd[OWN_MATCHES]; /* own descriptors of the same file */
	int fds, holder_fd;
	uint32_t pid;
	char comm[PROBE_COMM];
};

/* ---- the process's own descriptors --------------------------------------------------------------
 */

static const char *word_after(const char *s)
{
	while (*s && *s != ' ' && *s != '\n')
		s++;
	while (*s == ' ')
		s++;
	return s;
}

/* "1: FLOCK  ADVISORY  WRITE 123 08:01:4567 0 EOF": the file is known to be the same. */
static bool is_lock(struct search *s, const char *line)
{
	const char *kind = word_after(line);

	if (strncmp(kind, s->word, strlen(s->word)))
		return false;
	s->exclusive = *word_after(word_after(kind)) == 'W';
	return true;
}

static bool holds(struct search *s, const char *info)
{
	while ((info = strstr(info, "lock:\t"))) {
		info += 6;
		if (is_lock(s, info))
			return true;
	}
	return false;
}

/* Which of the candidates holds it? */
static int look_at_own(struct probe_aside *a)
{
	struct search *s = a->arg;
	char path[40] = "/proc/self/fdinfo/";

	for (int i = 0; i < s->fds && s->holder_fd < 0; i++) {
		long r;

		if (i && probe_aside_late(a))
			break;
		*probe_aside_decimal((unsigned)s->fd[i], path + 18) = '\0';
		r = probe_aside_read(path, a->room, PROBE_ROOM);
		if (r < 0)
			return (int)r;
		if (holds(s, a->room))
			s->holder_fd = s->fd[i];
	}
	return s->holder_fd < 0 ? -ENOENT : 0;
}

/* Which numbers are open? One call in place of many; where it is refused, all may be. */
static void ask_open(struct pollfd *p)
{
	const int64_t now[2] = {0, 0};

	for (int fd = 0; fd < OWN_FDS; fd++)
		p[fd] = (struct pollfd){.fd = fd};
	sysc(SYS_ppoll, p, OWN_FDS, now, 0, 8);
}

static void find_own(const struct probe_in *in, struct search *s)
{
	struct pollfd p[OWN_FDS];
	struct stat st;

	ask_open(p);
	for (int fd = 0; fd < OWN_FDS && s->fds < OWN_MATCHES; fd++)
		if (fd != in->fd && !(p[fd].revents & POLLNVAL) && !sysc(SYS_fstat, fd, &st) &&
		    st.st_dev == s->dev && st.st_ino == s->inode)
			s->fd[s->fds++] = fd;
}

/* A lock that belongs to a descriptor: do we have that ourselves? */
static void by_descriptor(const struct probe_in *in, const char *word, struct record_facts *f)
{
	struct search s = {.word = word, .dev = f->dev, .inode = f->inode, .holder_fd = -1};

	s.aside = (struct probe_aside){.look = look_at_own, .arg = &s};
	find_own(in, &s);
	if (!s.fds || probe_aside_run(&s.aside))
		return;
	f->holder_pid = self_gate.pid;
	f->holder_fd = (uint32_t)s.holder_fd + 1;
	f->holder_via = VIA_own_fd;
	f->holder_exclusive = s.exclusive;
	HAVE(f, holder);
}

/* ---- what the fd tells --------------------------------------------------------------------------
 */

static int look_for_name(struct probe_aside *a)
{
	struct search *s = a->arg;

	probe_aside_comm(a, s->pid, s->comm);
	return 0;
}

static bool describe(const struct probe_in *in, struct flock *ret, int *ret_cmd)
{
	bool set = in->call == CALL_fcntl && in->flock;

	if (set) {
		memcpy(ret, in->flock, sizeof(*ret));
		*ret_cmd = in->lock_cmd == F_OFD_SETLK || in->lock_cmd == F_OFD_SETLKW ? F_OFD_GETLK
										       : F_GETLK;
		ret->l_pid = 0;
		return true;
	}
	if (in->call != CALL_lockf)
		return false;
	*ret = (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = (off_t)in->asked_bytes};
	*ret_cmd = F_GETLK;
	return true;
}

/* The range is that of the lock in the way; when that cannot be had, what was asked for. */
static void by_getlk(const struct probe_in *in, struct flock *l, int cmd, struct record_facts *f)
{
	struct search s = {0};
	long r = sysc(SYS_fcntl, in->fd, cmd, l);

	f->range_start = (uint64_t)l->l_start;
	f->range_len = (uint64_t)l->l_len;
	HAVE(f, range);
	if (r || l->l_type == F_UNLCK) {
		f->why[WHY_other] = r ? (uint16_t)-r : ENOENT;
		return;
	}
	f->holder_exclusive = l->l_type == F_WRLCK;
	if (l->l_pid <= 0) { /* an open file description lock belongs to no process */
		by_descriptor(in, "OFDLCK", f);
		return;
	}
	f->holder_pid = s.pid = (uint32_t)l->l_pid;
	f->holder_via = VIA_getlk;
	HAVE(f, holder);
	s.aside = (struct probe_aside){.look = look_for_name, .arg = &s, .now_ns = f->time_ns};
	if (!probe_aside_known(s.pid, f->time_ns, f->holder_comm) &&
	    !probe_aside_run(&s.aside))
		memcpy(f->holder_comm, s.comm, sizeof(f->holder_comm));
}

/* The tool finds who has the lease by the inode. */
static void leased_file(const struct probe_in *in, struct record_facts *f)
{
	struct stat st;

	if (sysc(SYS_newfstatat, in->at, in->path, &st, 0))
		return;
	f->dev = st.st_dev;
	f->inode = st.st_ino;
	HAVE(f, inode);
}

void probe_lock(const struct probe_in *in, struct record_facts *f)
{
	struct flock l;
	int cmd;

	if (in->call == CALL_flock && f->have & 1u << FACT_inode)
		by_descriptor(in, "FLOCK", f);
	else if (in->path && in->fd < 0)
		leased_file(in, f);
	else if (describe(in, &l, &cmd))
		by_getlk(in, &l, cmd, f);
}

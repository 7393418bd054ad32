/* SPDX-License-Identifier: MIT */
/*
 * model_states.c - what the kernel says now of the open fds of living processes: TCP states, who
 * has the other end of a socket or a pipe, files whose name is gone. From /proc and sock_diag;
 * opens nothing that a target may hold.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "model.h"
#include "model_states.h"
#include "names.h"
#include "util.h"

#define TCP_ESTABLISHED_ 1
#define TCP_LISTEN_ 10
#define TCP_CLOSE_ 7

/* ---- the open fds by inode ----------------------------------------------------------------------
 */

struct wanted {
	uint64_t inode;
	struct model_open *open;
	bool pipe, seen;
};

struct look {
	struct model *m;
	struct wanted *w;
	size_t w_count, w_room;
	struct ends ends;
};

static int by_inode(const void *a, const void *b)
{
	uint64_t x = ((const struct wanted *)a)->inode, y = ((const struct wanted *)b)->inode;

	return (x > y) - (x < y);
}

static struct wanted *first_of(const struct look *l, uint64_t inode)
{
	struct wanted key = {.inode = inode};
	struct wanted *w =
		l->w_count ? bsearch(&key, l->w, l->w_count, sizeof(*l->w), by_inode) : NULL;

	while (w && w > l->w && w[-1].inode == inode)
		w--;
	return w;
}

#define EACH_OF(l, i, x)                            \
	for (struct wanted *x = first_of((l), (i)); \
	     x && x < (l)->w + (l)->w_count && x->inode == (i); x++)

/* "socket:[123]" -> 123; 0 when it is neither that nor a pipe. */
static uint64_t inode_of(const char *link, bool *ret_pipe)
{
	unsigned long long inode = 0;

	*ret_pipe = !strncmp(link, "pipe:[", 6);
	if (*ret_pipe || !strncmp(link, "socket:[", 8))
		inode = strtoull(strchr(link, '[') + 1, NULL, 10);
	return inode;
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), k = strlen(tail);

	return n >= k && !strcmp(s + n - k, tail);
}

static void look_at(struct look *l, struct model_open *o)
{
	const struct model_process *p = &l->m->processes[o->process];
	char path[64], link[4096];
	uint64_t inode;
	bool pipe;
	ssize_t n;

	if (p->how != HOW_running)
		return;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", p->pid, o->fd);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	o->deleted = *link == '/' && strncmp(link, "/memfd:", 7) && ends_with(link, " (deleted)");
	inode = inode_of(link, &pipe);
	o->inode = inode;
	if (inode)
		*UTIL_PUSH(l->w, l->w_count, l->w_room) =
			(struct wanted){.inode = inode, .open = o, .pipe = pipe};
}

/* ---- TCP --------------------------------------------------------------------------------------
 */

/* "0100007F:1F90" as /proc/net/tcp prints it: words of the machine, port as a number. */
static void address_text(const char *hex, char *ret, size_t size)
{
	uint32_t words[4] = {0};
	size_t digits = strcspn(hex, ":");
	unsigned port = (unsigned)strtoul(hex + digits + 1, NULL, 16);
	char host[INET6_ADDRSTRLEN] = "?", word[9] = "";

	for (size_t i = 0; i < digits / 8 && i < 4; i++) {
		memcpy(word, hex + 8 * i, 8);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	inet_ntop(digits > 8 ? AF_INET6 : AF_INET, words, host, sizeof(host));
	snprintf(ret, size, digits > 8 ? "[%s]:%u" : "%s:%u", host, port);
}

static void take_tcp(struct look *l, const char *line)
{
	char local[64], remote[64], text[80];
	unsigned long long inode;
	unsigned state;

	if (sscanf(line, " %*u: %63[0-9A-F:] %63[0-9A-F:] %x %*x:%*x %*x:%*x %*x %*u %*u %llu",
		   local, remote, &state, &inode) != 4 ||
	    !inode || !state)
		return;
	EACH_OF(l, inode, w)
	{
		w->seen = true;
		w->open->tcp_state = names_tcp_state(state);
		w->open->held = w->open->flags & SLOT_ACCEPTED && state == TCP_ESTABLISHED_;
		w->open->half_dead = state >= 7 && state != TCP_LISTEN_ && state < 12;
		address_text(remote, text, sizeof(text));
		if (state != TCP_LISTEN_ && !w->open->peer)
			w->open->peer = util_copy(text);
	}
}

static bool read_tcp(struct look *l, int pid, const char *name)
{
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", pid, name);
	f = fopen(path, "re");
	while (f && getline(&line, &room, f) > 0)
		take_tcp(l, line);
	free(line);
	if (f)
		fclose(f);
	return f != NULL;
}

/* A TCP socket that was connected and is in no table any more has been closed from outside. */
static void mark_gone(struct look *l, uint32_t process)
{
	for (size_t i = 0; i < l->w_count; i++) {
		struct model_open *o = l->w[i].open;

		if (o->process == process && o->kind == KIND_tcp && !l->w[i].seen &&
		    o->flags & (SLOT_CONNECTED | SLOT_ACCEPTED)) {
			o->tcp_state = names_tcp_state(TCP_CLOSE_);
			o->half_dead = true;
		}
	}
}

struct spaces {
	ino_t *ino;
	size_t count, room;
};

static bool is_new(struct spaces *x, ino_t ino)
{
	for (size_t i = 0; i < x->count; i++)
		if (x->ino[i] == ino)
			return false;
	*UTIL_PUSH(x->ino, x->count, x->room) = ino;
	return true;
}

/* Processes of one network namespace share the tables. */
static void look_at_tcp(struct look *l)
{
	struct spaces known = {0};
	char path[64];
	struct stat st;

	for (size_t i = 0; i < l->m->processes_count; i++) {
		int pid = l->m->processes[i].pid;
		bool read = true;

		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		if (l->m->processes[i].how != HOW_running || stat(path, &st))
			continue;
		if (is_new(&known, st.st_ino)) {
			read = read_tcp(l, pid, "tcp");
			read_tcp(l, pid, "tcp6");
		}
		if (read)
			mark_gone(l, (uint32_t)i);
	}
	free(known.ino);
}

/* ---- the other ends -----------------------------------------------------------------------------
 */

static void name_holder(struct look *l, struct model_open *o, uint64_t inode, int mode,
			const char *nobody)
{
	const struct end *e =
		ends_find(&l->ends, inode, mode, l->m->processes[o->process].pid, o->fd);

	if (e)
		o->peer = util_format("pid %d (%s)", e->pid, e->comm);
	else if (l->ends.complete)
		o->peer = util_copy(nobody);
}

static void name_unix_peer(struct look *l, struct wanted *w)
{
	struct model_open *o = w->open;
	uint64_t peer;

	if (o->kind != KIND_unix_stream && o->kind != KIND_unix_seqpacket &&
	    o->kind != KIND_unix_dgram)
		return;
	if (o->flags & SLOT_LISTENING || !ends_unix_peer(&l->ends, w->inode, &peer))
		return;
	if (peer == ENDS_UNACCEPTED) {
		o->peer = util_copy("not accepted yet");
	} else if (peer) {
		o->held = (o->flags & SLOT_ACCEPTED) != 0;
		name_holder(l, o, peer, 0, "in no process (sent in a message)");
	} else if (o->kind != KIND_unix_dgram && o->flags & SLOT_CONNECTED) {
		o->half_dead = true;
		o->peer = util_copy("closed by its peer");
	}
}

static void name_pipe_peer(struct look *l, struct wanted *w)
{
	bool reads = w->open->kind == KIND_pipe_read;

	if (w->pipe && (reads || w->open->kind == KIND_pipe_write))
		name_holder(l, w->open, w->inode, reads ? END_writes : END_reads,
			    reads ? "nobody writes" : "nobody reads");
}

static void find_ends(struct look *l)
{
	uint64_t *inode = util_alloc(2 * l->w_count + 1, sizeof(*inode)), peer;
	size_t n = 0;

	ends_read_unix(&l->ends);
	for (size_t i = 0; i < l->w_count; i++) {
		if (l->w[i].pipe)
			inode[n++] = l->w[i].inode;
		else if (ends_unix_peer(&l->ends, l->w[i].inode, &peer) && peer)
			inode[n++] = peer;
	}
	if (n)
		ends_scan(&l->ends, inode, n);
	free(inode);
	for (size_t i = 0; i < l->w_count; i++) {
		name_unix_peer(l, &l->w[i]);
		name_pipe_peer(l, &l->w[i]);
	}
}

void model_states(struct model *m)
{
	struct look l = {.m = m};

	for (size_t i = 0; i < m->opens_count; i++) {
		struct model_open *o = &m->opens[i];

		free(o->peer);
		o->peer = NULL;
		o->tcp_state = NULL;
		o->inode = 0;
		o->half_dead = o->held = o->deleted = false;
		look_at(&l, o);
	}
	if (l.w_count) {
		qsort(l.w, l.w_count, sizeof(*l.w), by_inode);
		look_at_tcp(&l);
		find_ends(&l);
	}
	ends_free(&l.ends);
	free(l.w);
	model_judge_fds(m);
	model_children(m);
}

/* SPDX-License-Identifier: MIT */
/*
 * model_live.c - the open fds of a living process, from /proc/PID/fd, against its record. Reads
 * names, opens nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "model.h"
#include "record_read.h"
#include "util.h"

#define WAIT_NS 5000000
#define WAITS 10 /* of one process: it may do nothing but run */

static bool note(int fd, void *arg)
{
	struct model_live *v = arg;

	while ((size_t)fd >= v->size) {
		size_t room = v->size;

		v->open = util_grow(v->open, v->size, &room, 1);
		v->size = room;
	}
	v->open[fd] = 1;
	return false;
}

void model_live_begin(struct model_live *v, const struct record *r, unsigned *patience)
{
	char path[64];

	*v = (struct model_live){.then = r, .patience = patience};
	snprintf(path, sizeof(path), "/proc/%u/fd", r->head.pid);
	v->known = !util_any_number(path, note, v);
}

bool model_live_has(const struct model_live *v, int fd)
{
	return (size_t)fd < v->size && v->open[fd];
}

void model_live_take(struct model_live *v, int fd)
{
	v->open[fd] = 0;
}

/* A thread that sleeps is not between a system call and the note of it. */
static bool thread_runs(int tid, void *arg)
{
	char path[64], text[300];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%u/task/%d/stat", *(const uint32_t *)arg, tid);
	p = util_read_file(path, text, sizeof(text)) > 0 ? strrchr(text, ')') : NULL;
	return p && (p[2] == 'R' || p[2] == 'D');
}

static bool runs(uint32_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	return util_any_number(path, thread_runs, &pid) > 0;
}

static void wait_for_notes(struct model_live *v)
{
	const struct timespec time = {.tv_nsec = WAIT_NS};

	for (int i = 0; i < WAITS && *v->patience && runs(v->then->head.pid); i++) {
		--*v->patience;
		nanosleep(&time, NULL);
	}
}

/* What the record says of fd after /proc was read. */
static bool slot_now(struct model_live *v, int fd, struct record_slot *ret)
{
	*ret = (struct record_slot){0};
	if (!v->now) {
		wait_for_notes(v);
		v->now = util_alloc(1, sizeof(*v->now));
		v->now_error = record_open(v->then->path, v->now);
	}
	if (v->now_error || v->now->head.pid != v->then->head.pid ||
	    v->now->head.image_no != v->then->head.image_no)
		return false;
	record_slot_of(v->now, fd, ret);
	return true;
}

bool model_live_lost(struct model_live *v, int fd, const struct record_slot *s)
{
	struct record_slot now;

	return v->known && !model_live_has(v, fd) && slot_now(v, fd, &now) && now.seq == s->seq;
}

bool model_live_unseen(struct model_live *v, int fd)
{
	struct record_slot was = {0}, now;

	if (!model_live_has(v, fd) || !slot_now(v, fd, &now))
		return false;
	record_slot_of(v->then, fd, &was);
	return now.seq == was.seq && now.state != SLOT_open && now.state != SLOT_closing;
}

void model_live_end(struct model_live *v)
{
	if (v->now && !v->now_error)
		record_close(v->now);
	free(v->now);
	free(v->open);
}

static uint8_t kind_of_link(const char *link)
{
	static const struct {
		const char *prefix;
		uint8_t kind;
	} kinds[] = {
		{"socket:", KIND_socket},
		{"pipe:", KIND_fifo},
		{"anon_inode:[eventpoll]", KIND_epoll},
		{"anon_inode:[eventfd]", KIND_eventfd},
		{"anon_inode:[timerfd]", KIND_timerfd},
		{"anon_inode:[signalfd]", KIND_signalfd},
		{"anon_inode:inotify", KIND_inotify},
		{"anon_inode:[io_uring]", KIND_io_uring},
		{"anon_inode:[pidfd]", KIND_pidfd},
		{"anon_inode:", KIND_anon},
		{"/memfd:", KIND_memfd},
		{"/dev/pts/", KIND_tty},
		{"/dev/tty", KIND_tty},
		{"/dev/", KIND_device},
		{"/", KIND_file},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(link, kinds[i].prefix, strlen(kinds[i].prefix)))
			return kinds[i].kind;
	return KIND_unknown;
}

uint8_t model_live_fd(int pid, int fd, char **ret_target)
{
	char path[64], link[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	*ret_target = n > 0 ? util_clean(util_copy(link)) : NULL;
	return kind_of_link(link);
}

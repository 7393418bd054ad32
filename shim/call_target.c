/* SPDX-License-Identifier: MIT */
/*
 * call_target.c - what a call is about: the path or address that was given, else that of its fd.
 * Names only; each is stored once.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "call.h"
#include "child.h"
#include "paths.h"

#define PAGE 4096u /* the smallest; bigger pages are looked at more than once */

uint32_t call_address_string(const void *addr, uint32_t bytes)
{
	const struct sockaddr_un *un = addr;
	size_t head = offsetof(struct sockaddr_un, sun_path);

	if (!addr || bytes < sizeof(sa_family_t))
		return 0;
	if (bytes > sizeof(struct sockaddr_storage))
		bytes = sizeof(struct sockaddr_storage);
	if (un->sun_family == AF_UNIX && bytes > head && un->sun_path[0]) {
		char path[sizeof(un->sun_path) + 1];
		size_t n = strnlen(un->sun_path, bytes - head);

		memcpy(path, un->sun_path, n);
		path[n] = '\0';
		return store_path(STORE_CWD, path);
	}
	if (un->sun_family == AF_UNIX && bytes <= head)
		return 0;
	return store_string(STRING_addr, addr, bytes);
}

static uint32_t directory(int at)
{
	const struct record_slot *s = at == AT_FDCWD ? NULL : slots_at(at);

	return at == AT_FDCWD ? STORE_CWD : s && s->state == SLOT_open ? s->target : 0;
}

/* The name of an fd that was there before us is looked up when it matters, once. */
static uint32_t late_name(int fd, struct record_slot *s)
{
	static const bool named[KIND_COUNT] = {
		[KIND_file] = true, [KIND_dir] = true,  [KIND_device] = true,
		[KIND_tty] = true,  [KIND_fifo] = true,
	};

	if (!s->target && s->flags & (SLOT_INHERITED | SLOT_UNSEEN) && named[s->kind])
		s->target = child_name(fd);
	return s->target;
}

uint32_t call_target_find(struct call_what w, struct record_slot *s)
{
	if (w.path)
		return store_path(directory(w.at), w.path);
	if (w.addr)
		return call_address_string(w.addr, w.addr_bytes);
	return s && s->state == SLOT_open ? late_name(w.fd, s) : 0;
}

/* The text of a string that names a path; "" for another sort. */
static void path_text(uint32_t id, char *ret, size_t size)
{
	const struct record_string *s = id ? store_string_at(id) : NULL;
	uint32_t dir = 0;
	size_t n = 0, from = 0;

	*ret = '\0';
	if (!s || (s->type != STRING_path && s->type != STRING_path_at))
		return;
	if (s->type == STRING_path_at) { /* its directory is an older string */
		memcpy(&dir, s->data, sizeof(dir));
		from = sizeof(dir);
		path_text(dir, ret, size);
		n = strlen(ret);
		if (n + 1 < size)
			ret[n++] = '/';
	}
	if (s->bytes - from > size - 1 - n)
		return;
	memcpy(ret + n, s->data + from, s->bytes - from);
	ret[n + s->bytes - from] = '\0';
}

const struct sockaddr *call_target_text(const struct call_what *w, char *ret_path, size_t size,
					uint32_t *ret_addr_bytes)
{
	struct record_slot *s = w->fd >= 0 ? slots_at(w->fd) : NULL;
	uint32_t id = call_target(w, slots_if_open(s));
	const struct record_string *t = id ? store_string_at(id) : NULL;

	path_text(id, ret_path, size);
	paths_tidy(ret_path);
	if (w->addr) {
		*ret_addr_bytes = w->addr_bytes;
		return w->addr;
	}
	if (!t || t->type != STRING_addr)
		return NULL;
	*ret_addr_bytes = t->bytes;
	return (const void *)t->data;
}

bool call_readable(const void *p, size_t bytes)
{
	uintptr_t first = (uintptr_t)p / PAGE, last = ((uintptr_t)p + bytes - 1) / PAGE;

	if (!bytes || last < first)
		return false;
	for (uintptr_t page = first; page <= last; page++)
		if (!self_readable(page * PAGE))
			return false;
	return true;
}

static bool readable_string(const char *s)
{
	for (size_t n = 0; n < PATH_MAX;) {
		size_t rest = PAGE - (uintptr_t)(s + n) % PAGE;

		if (!call_readable(s + n, 1))
			return false;
		if (strnlen(s + n, rest) < rest)
			return true;
		n += rest;
	}
	return false;
}

struct call_what call_checked(const struct call_what *w)
{
	struct call_what ret = *w;

	if (w->path && !readable_string(w->path))
		ret.path = NULL;
	if (w->addr && !call_readable(w->addr, w->addr_bytes))
		ret.addr = NULL;
	if (w->lock && !call_readable(w->lock, sizeof(struct flock)))
		ret.lock = NULL;
	return ret;
}

enum record_kind call_socket_kind(int domain, int type)
{
	static const struct {
		int domain, type;
		enum record_kind kind;
	} kinds[] = {
		{AF_UNIX, SOCK_STREAM, KIND_unix_stream},
		{AF_UNIX, SOCK_DGRAM, KIND_unix_dgram},
		{AF_UNIX, SOCK_SEQPACKET, KIND_unix_seqpacket},
		{AF_INET, SOCK_STREAM, KIND_tcp},
		{AF_INET6, SOCK_STREAM, KIND_tcp},
		{AF_INET, SOCK_DGRAM, KIND_udp},
		{AF_INET6, SOCK_DGRAM, KIND_udp},
		{AF_INET, SOCK_RAW, KIND_raw},
		{AF_INET6, SOCK_RAW, KIND_raw},
		{AF_NETLINK, SOCK_RAW, KIND_netlink},
		{AF_NETLINK, SOCK_DGRAM, KIND_netlink},
		{AF_PACKET, SOCK_RAW, KIND_packet},
		{AF_PACKET, SOCK_DGRAM, KIND_packet},
	};

	type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].domain == domain && kinds[i].type == type)
			return kinds[i].kind;
	return KIND_socket;
}

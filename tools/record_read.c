/* SPDX-License-Identifier: MIT */
/*
 * record_read.c - see record_read.h. Copies with pread what the header says is used, bounded by the
 * file's size, so that a file that shrinks under us is a short read and not a SIGBUS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "calls.h"
#include "paths.h"
#include "record_read.h"
#include "util.h"

#define CHUNKS_MOST (RECORD_FDS_MAX / RECORD_CHUNK_FDS)
#define PART_MOST (64ull << 20) /* more than any shim fills; a sparse file may claim terabytes */
#define CHUNK_BYTES (RECORD_CHUNK_FDS * sizeof(struct record_slot))

static const size_t item_bytes[PART_COUNT] = RECORD_ITEM_BYTES;

const char *record_part_name(unsigned part)
{
	static const char *const names[PART_COUNT] = {"images", "totals", "modules", "stacks",
						      "sites",  "facts",  "events",  "strings",
						      "modes",  "shared", "chunks",  "slots"};

	return part < PART_COUNT ? names[part] : "?";
}

const char *record_error(int error)
{
	switch (-error) {
	case EBADMSG:
		return "not a record";
	case EPROTO:
		return "written by another version of fdwhy";
	case ENODATA:
		return "empty: its process ended before anything was written";
	default:
		return strerror(-error);
	}
}

/* ---- loading ----------------------------------------------------------------------------------
 */

static int read_at(int fd, void *to, size_t bytes, uint64_t offset)
{
	size_t n = 0;

	while (n < bytes) {
		ssize_t got = pread(fd, (char *)to + n, bytes - n, (off_t)(offset + n));

		if (got <= 0)
			return got ? -errno : -ENODATA;
		n += (size_t)got;
	}
	return 0;
}

/* A spare's child was killed before it had begun its record. */
static bool is_lost(const struct record_header *h)
{
	return (h->spare == SPARE_taken || h->spare == SPARE_left) && h->pid &&
	       h->state != STATE_exited;
}

static int read_header(int fd, struct record *r)
{
	static const char nothing[8];
	int error = read_at(fd, &r->head, sizeof(r->head), 0);

	if (error)
		return error;
	if (!memcmp(r->head.magic, RECORD_MAGIC_SPARE, sizeof(r->head.magic)))
		return is_lost(&r->head) ? -ENODATA : -ENOENT;
	if (!memcmp(r->head.magic, nothing, sizeof(nothing)))
		return -ENODATA;
	if (memcmp(r->head.magic, RECORD_MAGIC, sizeof(r->head.magic)))
		return -EBADMSG;
	if (r->head.version != RECORD_VERSION || r->head.header_bytes != sizeof(r->head) ||
	    r->head.calls != CALL_COUNT)
		return -EPROTO;
	r->head.comm[sizeof(r->head.comm) - 1] = '\0';
	util_clean(r->head.comm);
	return 0;
}

static int read_part(int fd, struct record *r, unsigned i, uint64_t file_bytes)
{
	const struct record_part *p = &r->head.part[i];
	struct record_buffer *b = &r->part[i];
	uint64_t count = p->used, room = p->size_bytes / item_bytes[i];

	if (p->offset_bytes % 8 || p->offset_bytes > file_bytes ||
	    p->size_bytes > file_bytes - p->offset_bytes)
		return -EBADMSG;
	if (i == PART_ring || i == PART_chunks)
		count = i == PART_chunks ? room : count < room ? count : room;
	if (count > room)
		return -EBADMSG;
	if (i == PART_chunks && p->real_bytes / 4 < count)
		count = p->real_bytes / 4;
	if (count * item_bytes[i] > PART_MOST)
		return -EBADMSG;
	b->count = count;
	b->bytes = count * item_bytes[i];
	b->data = util_alloc(b->bytes + 8, 1);
	return read_at(fd, b->data, b->bytes, p->offset_bytes);
}

static int read_chunk(int fd, struct record *r, uint64_t i, uint32_t base)
{
	uint64_t at = r->head.part[PART_slots].offset_bytes + i * CHUNK_BYTES;

	if (base == 0 || base > CHUNKS_MOST)
		return 0;
	r->slot_base[r->slot_chunks] = (base - 1) * RECORD_CHUNK_FDS;
	if (read_at(fd, r->slots + r->slot_chunks * CHUNK_BYTES, CHUNK_BYTES, at))
		return -EBADMSG;
	r->slot_chunks++;
	return 0;
}

/* 1 + first fd / RECORD_CHUNK_FDS of slot chunk i; 0: not in use. */
static uint32_t chunk_base(const struct record *r, uint64_t i)
{
	const uint32_t *far = (const uint32_t *)(const void *)r->part[PART_chunks].data;
	uint64_t near = r->head.part[PART_slots].used;

	if (i < near)
		return (uint32_t)i + 1;
	return i < r->part[PART_chunks].count && far[i] > near ? far[i] : 0;
}

/* Only chunks in use: a table for a million fds is mostly holes. */
static int read_slots(int fd, struct record *r, uint64_t file_bytes)
{
	const struct record_part *p = &r->head.part[PART_slots];
	uint64_t room = p->size_bytes / CHUNK_BYTES, used = 0;
	int error = 0;

	if (p->offset_bytes % RECORD_PAGE || p->offset_bytes > file_bytes ||
	    p->size_bytes > file_bytes - p->offset_bytes || p->used > room)
		return -EBADMSG;
	for (uint64_t i = 0; i < room; i++)
		used += chunk_base(r, i) != 0;
	if (used > CHUNKS_MOST)
		return -EBADMSG;
	r->slots = util_alloc(used + 1, CHUNK_BYTES);
	r->slot_base = util_alloc(used + 1, sizeof(uint32_t));
	for (uint64_t i = 0; !error && i < room; i++)
		error = read_chunk(fd, r, i, chunk_base(r, i));
	return error;
}

/* Given back while it was read, it may be another process's. */
static bool is_other(int fd, const struct record *r)
{
	struct record_header now;

	return read_at(fd, &now, sizeof(now), 0) ||
	       memcmp(now.magic, RECORD_MAGIC, sizeof(now.magic)) || now.pid != r->head.pid ||
	       now.created_ns != r->head.created_ns;
}

int record_open(const char *path, struct record *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int error;

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return -errno;
	error = fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -EBADMSG;
	if (!error && st.st_size && (size_t)st.st_size < sizeof(ret->head))
		error = -EBADMSG;
	if (!error)
		error = read_header(fd, ret);
	if (error) {
		close(fd);
		return error;
	}
	ret->path = util_copy(path);
	for (unsigned i = 0; i < PART_slots; i++) {
		if (!read_part(fd, ret, i, (uint64_t)st.st_size))
			continue;
		ret->bad |= 1u << i;
		ret->part[i].count = ret->part[i].bytes = 0;
	}
	if (read_slots(fd, ret, (uint64_t)st.st_size))
		ret->bad |= 1u << PART_slots;
	if (ret->head.spare && is_other(fd, ret))
		error = -ENOENT;
	close(fd);
	if (error)
		record_close(ret);
	return error;
}

void record_close(struct record *r)
{
	for (unsigned i = 0; i < PART_COUNT; i++)
		free(r->part[i].data);
	free(r->slots);
	free(r->slot_base);
	free(r->path);
	memset(r, 0, sizeof(*r));
}

/* ---- access -----------------------------------------------------------------------------------
 */

static const void *arena_at(const struct record *r, unsigned part, uint32_t id, size_t head)
{
	const struct record_buffer *b = &r->part[part];
	uint64_t at = (uint64_t)id * 8;

	return id && at + head <= b->bytes ? b->data + at : NULL;
}

const struct record_stack *record_stack(const struct record *r, uint32_t id)
{
	const struct record_stack *s = arena_at(r, PART_stacks, id, sizeof(*s));

	if (!s || s->depth > RECORD_STACK_MAX ||
	    (uint64_t)id * 8 + sizeof(*s) + s->depth * sizeof(s->pc[0]) >
		    r->part[PART_stacks].bytes)
		return NULL;
	return s;
}

const struct record_string *record_string(const struct record *r, uint32_t id)
{
	const struct record_string *s = arena_at(r, PART_strings, id, sizeof(*s));

	if (!s || s->bytes > RECORD_STRING_MAX ||
	    (uint64_t)id * 8 + sizeof(*s) + s->bytes > r->part[PART_strings].bytes)
		return NULL;
	return s;
}

/* An abstract name: "@name", as ss(8) shows it. */
static char *unix_text(const char *data, size_t bytes)
{
	char name[108];
	size_t n = bytes < sizeof(name) ? bytes : sizeof(name) - 1;

	memcpy(name, data, n);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < ' ')
			name[i] = '@';
	return util_clean(util_format("%.*s", (int)n, name));
}

/* The port is the pid by custom, 0 the kernel. */
static char *netlink_text(const struct sockaddr_storage *a)
{
	const struct sockaddr_nl *nl = (const void *)a;

	if (!nl->nl_pid)
		return util_copy("netlink:kernel");
	return util_format("netlink:%u", nl->nl_pid);
}

char *record_address(const void *data, size_t bytes)
{
	struct sockaddr_storage a;
	char host[INET6_ADDRSTRLEN] = "?";

	memset(&a, 0, sizeof(a));
	memcpy(&a, data, bytes < sizeof(a) ? bytes : sizeof(a));
	if (a.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&a;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		return util_format("%s:%u", host, ntohs(in->sin_port));
	}
	if (a.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)&a;

		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		return util_format("[%s]:%u", host, ntohs(in->sin6_port));
	}
	if (a.ss_family == AF_UNIX && bytes > 2)
		return unix_text((const char *)data + 2, bytes - 2);
	if (a.ss_family == AF_NETLINK)
		return netlink_text(&a);
	return util_format("address family %u", a.ss_family);
}

static char *text_at(const struct record *r, uint32_t id, int depth)
{
	const struct record_string *s = record_string(r, id);
	uint32_t dir_id;
	char *dir, *joined;
	int n;

	if (!s || depth > 8)
		return NULL;
	if (s->type == STRING_addr)
		return record_address(s->data, s->bytes);
	if (s->type != STRING_path_at) {
		joined = util_format("%.*s%s", (int)s->bytes, s->data,
				     s->flags & STRING_CUT ? "..." : "");
		if (s->type == STRING_path)
			paths_tidy(joined);
		return util_clean(joined);
	}
	if (s->bytes < sizeof(dir_id))
		return NULL;
	memcpy(&dir_id, s->data, sizeof(dir_id));
	dir = text_at(r, dir_id, depth + 1);
	n = (int)(s->bytes - sizeof(dir_id));
	joined = util_format("%s%s%.*s", dir ? dir : "",
			     dir && *dir && n && dir[strlen(dir) - 1] != '/' ? "/" : "", n,
			     s->data + sizeof(dir_id));
	free(dir);
	paths_tidy(joined);
	return util_clean(joined);
}

char *record_text(const struct record *r, uint32_t id)
{
	return text_at(r, id, 0);
}

const struct record_site *record_site(const struct record *r, uint64_t i)
{
	const struct record_site *s = (const void *)r->part[PART_sites].data;

	return i < r->part[PART_sites].count && s[i].call && s[i].call < CALL_COUNT ? &s[i] : NULL;
}

uint64_t record_eagains(const struct record *r)
{
	uint64_t n = r->head.eagains;

	for (uint64_t i = 0; i < r->part[PART_sites].count; i++) {
		const struct record_site *s = record_site(r, i);

		if (s && s->error == EAGAIN && s->count > s->injected)
			n += s->count - s->injected;
	}
	return n;
}

/* What a site has not told the series yet came about its latest time. */
static void add_untold(const struct record_header *h, const struct record_site *s,
		       uint64_t ret[RECORD_SERIES])
{
	uint64_t age = s->last_ns > h->created_ns ? s->last_ns - h->created_ns : 0;
	uint64_t bucket = age / h->series_width_ns;

	if (s->error == EAGAIN && s->count > s->injected && s->count - s->injected > s->told)
		ret[bucket < RECORD_SERIES ? bucket : RECORD_SERIES - 1] +=
			s->count - s->injected - s->told;
}

unsigned record_eagain_series(const struct record *r, uint64_t ret[RECORD_SERIES])
{
	unsigned n = RECORD_SERIES;

	memset(ret, 0, RECORD_SERIES * sizeof(ret[0]));
	if (!r->head.series_width_ns)
		return 0;
	for (unsigned i = 0; i < RECORD_SERIES; i++)
		ret[i] = r->head.series_eagains[i];
	for (uint64_t i = 0; i < r->part[PART_sites].count; i++) {
		const struct record_site *s = record_site(r, i);

		if (s)
			add_untold(&r->head, s, ret);
	}
	while (n && !ret[n - 1])
		n--;
	return n;
}

const struct record_facts *record_facts(const struct record *r, uint32_t id)
{
	const struct record_facts *f = (const void *)r->part[PART_facts].data;

	return id && id <= r->part[PART_facts].count && !(f[id - 1].seq & 1) ? &f[id - 1] : NULL;
}

const struct record_mode *record_mode(const struct record *r, uint32_t id)
{
	const struct record_mode *m = (const void *)r->part[PART_modes].data;

	return id && id <= r->part[PART_modes].count && m[id - 1].mode ? &m[id - 1] : NULL;
}

const struct record_shared *record_shared(const struct record *r, uint64_t i)
{
	const struct record_shared *x = (const void *)r->part[PART_shared].data;

	return i < r->part[PART_shared].count && x[i].inode && record_mode(r, x[i].mode) ? &x[i]
											 : NULL;
}

const struct record_image *record_image(const struct record *r, uint64_t i)
{
	const struct record_image *m = (const void *)r->part[PART_images].data;

	return i < r->part[PART_images].count ? &m[i] : NULL;
}

const struct record_module *record_module_at(const struct record *r, uint64_t pc, uint32_t epoch)
{
	const struct record_module *m = (const void *)r->part[PART_modules].data;

	for (uint64_t i = 0; i < r->part[PART_modules].count; i++)
		if (pc >= m[i].start && pc < m[i].end && epoch >= m[i].from && epoch < m[i].to &&
		    m[i].build_id_bytes <= sizeof(m[i].build_id))
			return &m[i];
	return NULL;
}

bool record_slot(const struct record *r, uint64_t i, int *ret_fd, struct record_slot *ret)
{
	if (i / RECORD_CHUNK_FDS >= r->slot_chunks)
		return false;
	memcpy(ret, r->slots + i * sizeof(*ret), sizeof(*ret));
	*ret_fd = (int)(r->slot_base[i / RECORD_CHUNK_FDS] + i % RECORD_CHUNK_FDS);
	return true;
}

bool record_slot_of(const struct record *r, int fd, struct record_slot *ret)
{
	uint32_t in = (uint32_t)fd % RECORD_CHUNK_FDS;

	for (uint32_t i = 0; i < r->slot_chunks; i++)
		if (r->slot_base[i] == (uint32_t)fd - in) {
			memcpy(ret, r->slots + (i * RECORD_CHUNK_FDS + in) * sizeof(*ret),
			       sizeof(*ret));
			return true;
		}
	return false;
}

void record_events(const struct record *r, bool final, uint64_t *from, uint64_t *ret_lost,
		   void (*take)(const struct record_event *e, void *arg), void *arg)
{
	const struct record_event *ring = (const void *)r->part[PART_ring].data;
	uint64_t room = r->head.part[PART_ring].size_bytes / sizeof(*ring);
	uint64_t written = r->head.part[PART_ring].used;

	if (!r->part[PART_ring].count || !room)
		return;
	if (written > *from + room) {
		*ret_lost += written - room - *from;
		*from = written - room;
	}
	for (; *from < written; (*from)++) {
		const struct record_event *e = &ring[*from % room];

		if (*from % room >= r->part[PART_ring].count)
			return;
		if (e->seq == *from + 1)
			take(e, arg);
		else if (final || e->seq > *from + 1)
			++*ret_lost; /* its writer died there, or it was overwritten while we read
				      */
		else
			return; /* still being written */
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * store_fork.c - the record of a fork child: a new file that starts as a copy of the live part of
 * the parent's, mapped in its place, so that every address and id stays true. Called once in the
 * child, which has one thread.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "config.h"
#include "store.h"
#include "store_file.h"
#include "store_fork.h"
#include "store_spare.h"
#include "sysc.h"

const uint16_t store_item_bytes[PART_COUNT] = RECORD_ITEM_BYTES;

uint64_t store_live_bytes(const struct record_header *h, unsigned id)
{
	uint64_t bytes = record_peek(&h->part[id].used) * store_item_bytes[id];

	if (id == PART_ring || id == PART_facts || id == PART_shared || id == PART_totals)
		return 0;
	return bytes < h->part[id].real_bytes ? bytes : h->part[id].real_bytes;
}

/* ---- the child's own header -------------------------------------------------------------------
 */

void store_fork_reset(struct record_header *h)
{
	h->births = h->deaths = h->eagains = h->misuses = h->limits = h->forks = 0;
	memset(h->missed, 0, sizeof(h->missed));
	memset(h->unseen_births, 0, sizeof(h->unseen_births));
	memset(h->unseen_deaths, 0, sizeof(h->unseen_deaths));
	memset(h->series_open, 0, sizeof(h->series_open));
	memset(h->series_eagains, 0, sizeof(h->series_eagains));
	h->series_width_ns = 1000000000u;
	h->shorts = 0;
	memset(&h->limit_first, 0, sizeof(h->limit_first));
	memset(&h->limit_worst, 0, sizeof(h->limit_worst));
	h->part[PART_ring].used = h->part[PART_facts].used = h->part[PART_shared].used = 0;
	h->part[PART_totals].used = 0;
	h->spare = h->spare_renamed = 0;
	h->born_by = BORN_fork;
	h->image_no = 1;
	h->end_status = -1;
	h->state = STATE_running;
}

/* What only the child can tell. */
static void reset_who(struct record_header *h)
{
	h->pid = (uint32_t)sysc(SYS_getpid);
	h->ppid = (uint32_t)sysc(SYS_getppid);
	h->created_ns = self_clock_asked(CLOCK_MONOTONIC);
	h->created_real_ns = self_clock_asked(CLOCK_REALTIME);
	h->created_boot_ns = self_clock_asked(CLOCK_BOOTTIME);
}

/* Only what is written is real here, whatever the parent had ready. */
static void reset_real(struct record_header *h)
{
	for (unsigned i = 0; i < PART_COUNT; i++)
		if (store.populate && i != PART_chunks && i != PART_images)
			h->part[i].real_bytes = store_pages(&h->part[i], store_live_bytes(h, i));
}

/* ---- its file ---------------------------------------------------------------------------------
 *
 * Written, not mapped and copied: a page that the child never touches costs half as much so, and a
 * full disk is an error.
 */

static int put(int fd, uint64_t at, const void *from, uint64_t bytes)
{
	const uint8_t *p = from;

	while (bytes) {
		long n = sysc(SYS_pwrite64, fd, p, bytes, at);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -ENOSPC;
		p += n;
		at += (uint64_t)n;
		bytes -= (uint64_t)n;
	}
	return 0;
}

static int put_part(int fd, const struct record_header *h, unsigned id, uint64_t bytes)
{
	uint64_t at = h->part[id].offset_bytes;

	return put(fd, at, store.base + at, bytes);
}

/* What each is, without what the parent counted there. */
static int put_sites(int fd, const struct record_header *h)
{
	const struct record_site *from =
		(const struct record_site *)(store.base + h->part[PART_sites].offset_bytes);
	uint64_t at = h->part[PART_sites].offset_bytes, used = h->part[PART_sites].used;
	struct record_site some[8];
	int r = 0;

	for (uint64_t i = 0, n; !r && i < used; i += n) {
		for (n = 0; n < 8 && i + n < used; n++)
			some[n] = (struct record_site){.stack = from[i + n].stack,
						       .call = from[i + n].call,
						       .error = from[i + n].error,
						       .target = from[i + n].target,
						       .kind = from[i + n].kind};
		r = put(fd, at + i * sizeof(some[0]), some, n * sizeof(some[0]));
	}
	return r;
}

/* Slot chunks of high fds lie at the end of the part, named by the last entries of PART_chunks. */
static int put_far_slots(int fd, const struct record_header *h)
{
	const struct record_part *c = &h->part[PART_chunks], *s = &h->part[PART_slots];
	const uint32_t *chunk = (const uint32_t *)(store.base + c->offset_bytes);
	const uint64_t step = RECORD_CHUNK_FDS * sizeof(struct record_slot);
	uint64_t n = c->real_bytes ? s->size_bytes / step : 0;
	int r = put_part(fd, h, PART_chunks, c->real_bytes);

	while (!r && n-- > s->used && chunk[n])
		r = put(fd, s->offset_bytes + n * step, store.base + s->offset_bytes + n * step,
			step);
	return r;
}

static int put_all(int fd, const struct record_header *h)
{
	static const uint8_t plain[] = {PART_images,  PART_modules, PART_stacks,
					PART_strings, PART_modes,   PART_slots};
	int r = put(fd, 0, h, sizeof(*h));

	for (unsigned i = 0; !r && i < sizeof(plain); i++)
		r = put_part(fd, h, plain[i], store_live_bytes(h, plain[i]));
	if (!r)
		r = put_sites(fd, h);
	return r ? r : put_far_slots(fd, h);
}

static bool file_limit_forbids(uint64_t bytes)
{
	uint64_t limit[2];

	return !sysc(SYS_prlimit64, 0, 1 /* RLIMIT_FSIZE */, 0, limit) && limit[0] < bytes;
}

/* In the place of the parent's. */
static int make(const char *session, const struct record_header *h)
{
	int fd = store_file_create(session, h->pid);
	long r;

	if (fd < 0)
		return fd;
	r = sysc(SYS_ftruncate, fd, h->file_bytes);
	if (!r && !store.populate)
		r = sysc(SYS_fallocate, fd, 0, 0L, h->file_bytes);
	if (!r)
		r = put_all(fd, h);
	if (!r)
		r = sysc(SYS_mmap, store.base, h->file_bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) >>
		    63;
	sysc(SYS_close, fd);
	if (r)
		store_file_unlink(session, h->pid);
	return (int)r;
}

static COLD int make_own(const char *session)
{
	struct record_header h = *store.head;
	int r;

	memset(h.magic, 0, sizeof(h.magic)); /* until the child calls store_publish() */
	store_fork_reset(&h);
	reset_who(&h);
	h.uid = (uint32_t)sysc(SYS_geteuid);
	h.gid = (uint32_t)sysc(SYS_getegid);
	reset_real(&h);
	r = file_limit_forbids(h.file_bytes) ? -EFBIG : make(session, &h);
	if (r) { /* still the parent's mapping: it says that its child has no record */
		store.head->child_errno = (uint32_t)-r;
		self_add64(&store.head->missed[MISS_child_unrecorded], 1);
	} else {
		store_places(store.base);
	}
	return r;
}

int store_forked(const char *session, const struct store_fork *f)
{
	if (!store_spare_take(f))
		return make_own(session);
	reset_who(store.head);
	return 0;
}

START_CODE int store_end_quiet(const char *session, const struct record_total *total)
{
	bool told = store_spare_drop(session, store.head->spare ? NULL : total);
	int r = 0;

	if (store_spare_return(session, total))
		return 0;
	if (store.head->spare && store.head->part[PART_totals].used)
		return -EBUSY; /* others' lines are in it: it stays */
	if (!told)
		r = store_file_append(session, total->uid, total, sizeof(*total));
	return r ? r : store_spare_unlink(session);
}

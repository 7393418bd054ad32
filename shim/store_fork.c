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
#include "sysc.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Bytes of each part that the child needs. Its events and facts are its own. */
static uint64_t live_bytes(const struct record_header *h, unsigned id)
{
	static const uint16_t item[PART_COUNT] = {
		[PART_images] = sizeof(struct record_image),
		[PART_modules] = sizeof(struct record_module),
		[PART_stacks] = 1,
		[PART_sites] = sizeof(struct record_site),
		[PART_strings] = 1,
		[PART_modes] = sizeof(struct record_mode), /* with the pid of who set them */
		[PART_chunks] = 0, /* see copy() */
		[PART_slots] = RECORD_CHUNK_FDS * sizeof(struct record_slot),
	};
	uint64_t bytes = h->part[id].used * item[id];

	return bytes < h->part[id].real_bytes ? bytes : h->part[id].real_bytes;
}

static int copy_range(uint8_t *to, const uint8_t *from, uint64_t bytes)
{
	uintptr_t first = (uintptr_t)to & ~(uintptr_t)(RECORD_PAGE - 1);
	long r = 0;

	if (store.populate && bytes)
		r = sysc(SYS_madvise, first, (uintptr_t)to + bytes - first, MADV_POPULATE_WRITE);
	if (!r)
		memcpy(to, from, bytes);
	return (int)r;
}

/* Slot chunks of high fds lie at the end of the part, named by the last entries of PART_chunks. */
static int copy_far_slots(uint8_t *to, const uint8_t *from, const struct record_header *h)
{
	const struct record_part *c = &h->part[PART_chunks], *s = &h->part[PART_slots];
	const uint32_t *chunk = (const uint32_t *)(from + c->offset_bytes);
	const uint64_t step = RECORD_CHUNK_FDS * sizeof(struct record_slot);
	uint64_t n = s->size_bytes / step;
	int r = 0;

	for (uint64_t i = n; !r && i-- > s->used && chunk[i];) {
		uint64_t at = s->offset_bytes + i * step;

		r = copy_range(to + at, from + at, step);
	}
	return r;
}

static int copy(uint8_t *to, const uint8_t *from)
{
	const struct record_header *h = (const struct record_header *)from;
	struct record_header without_magic = *h; /* until the child calls store_publish() */
	int r;

	memset(without_magic.magic, 0, sizeof(without_magic.magic));
	r = copy_range(to, (const uint8_t *)&without_magic, sizeof(without_magic));

	for (unsigned i = 0; !r && i < PART_COUNT; i++)
		r = copy_range(to + h->part[i].offset_bytes, from + h->part[i].offset_bytes,
			       i == PART_chunks ? h->part[i].real_bytes : live_bytes(h, i));
	return r ? r : copy_far_slots(to, from, h);
}

/* Only what was copied is real here, whatever the parent had ready. */
static void reset_real(struct record_header *h)
{
	for (unsigned i = 0; i < PART_COUNT; i++)
		if (store.populate && i != PART_chunks && i != PART_images)
			h->part[i].real_bytes = (live_bytes(h, i) + RECORD_PAGE - 1) &
						~(uint64_t)(RECORD_PAGE - 1);
}

/* What the parent counted is the parent's. */
static void reset_counts(uint8_t *base)
{
	struct record_header *h = (struct record_header *)base;
	struct record_site *s = (struct record_site *)(base + h->part[PART_sites].offset_bytes);

	h->births = h->deaths = h->eagains = h->misuses = h->limits = h->forks = 0;
	memset(h->missed, 0, sizeof(h->missed));
	memset(h->series_open, 0, sizeof(h->series_open));
	memset(h->series_eagains, 0, sizeof(h->series_eagains));
	h->series_width_ns = 1000000000u;
	memset(&h->limit_first, 0, sizeof(h->limit_first));
	memset(&h->limit_worst, 0, sizeof(h->limit_worst));
	h->part[PART_ring].used = h->part[PART_facts].used = h->part[PART_shared].used = 0;
	for (uint64_t i = 0; i < h->part[PART_sites].used; i++) {
		struct record_site keep = {.stack = s[i].stack,
					   .call = s[i].call,
					   .error = s[i].error,
					   .target = s[i].target,
					   .kind = s[i].kind};

		s[i] = keep;
	}
}

static void reset_header(struct record_header *h)
{
	h->pid = (uint32_t)sysc(SYS_getpid);
	h->ppid = (uint32_t)sysc(SYS_getppid);
	h->uid = (uint32_t)sysc(SYS_geteuid);
	h->gid = (uint32_t)sysc(SYS_getegid);
	h->created_ns = self_clock(CLOCK_MONOTONIC);
	h->created_real_ns = self_clock(CLOCK_REALTIME);
	h->created_boot_ns = self_clock(CLOCK_BOOTTIME);
	h->born_by = BORN_fork;
	h->image_no = 1;
	h->end_status = -1;
	h->state = STATE_running;
}

static int make(const char *session, uint64_t bytes, uint8_t **ret)
{
	int fd = store_file_create(session, (uint32_t)sysc(SYS_getpid));
	long at;

	if (fd < 0)
		return fd;
	at = sysc(SYS_ftruncate, fd, bytes);
	if (!at && !store.populate)
		at = sysc(SYS_fallocate, fd, 0, 0L, bytes);
	if (!at)
		at = sysc(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sysc(SYS_close, fd);
	if (at < 0 && at > -4096)
		return (int)at;
	*ret = (uint8_t *)at;
	return 0;
}

static bool file_limit_forbids(uint64_t bytes)
{
	uint64_t limit[2];

	return !sysc(SYS_prlimit64, 0, 1 /* RLIMIT_FSIZE */, 0, limit) && limit[0] < bytes;
}

int store_forked(const char *session)
{
	uint64_t bytes = store.head->file_bytes;
	uint8_t *base;
	int r = file_limit_forbids(bytes) ? -EFBIG : make(session, bytes, &base);

	if (!r) {
		r = copy(base, store.base);
		if (!r) {
			reset_real((struct record_header *)base);
			reset_counts(base);
			reset_header((struct record_header *)base);
			r = (int)(sysc(SYS_mremap, base, bytes, bytes,
				       MREMAP_MAYMOVE | MREMAP_FIXED, store.base) >>
				  63);
		}
	}
	if (r) {
		store_file_unlink(session, (uint32_t)sysc(SYS_getpid));
		/* still the parent's mapping: it says that its child has no record */
		store.head->child_errno = (uint32_t)-r;
		self_add64(&store.head->missed[MISS_child_unrecorded], 1);
	}
	return r;
}

int store_end_quiet(const char *session, const struct record_total *total)
{
	int r = store_file_append(session, total->uid, total, sizeof(*total));

	return r ? r : store_file_unlink(session, total->pid);
}

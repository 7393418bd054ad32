/* SPDX-License-Identifier: MIT */
/*
 * store.c - the record file: made, mapped, continued after exec, copied at fork, ended. Uses raw
 * system calls only. No fd outlives a function here. Pages are made real before they are written,
 * so that a full disk ends the recording and never raises SIGBUS in the target.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "calls.h"
#include "config.h"
#include "store.h"
#include "store_file.h"
#include "store_reuse.h"
#include "sysc.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define STEP_MOST (16 * RECORD_PAGE)

/* Until there is a record, what would be written goes nowhere: nobody asks before self_gate is
 * ready. */
AT_START struct store store;

static uint64_t pages(uint64_t bytes)
{
	return (bytes + RECORD_PAGE - 1) & ~(uint64_t)(RECORD_PAGE - 1);
}

/* ---- growth -----------------------------------------------------------------------------------
 */

static int populate(void *at, uint64_t bytes)
{
	return store.populate ? (int)sysc(SYS_madvise, at, bytes, MADV_POPULATE_WRITE) : 0;
}

uint64_t store_pages(const struct record_part *p, uint64_t bytes)
{
	return pages(p->offset_bytes + bytes) - p->offset_bytes;
}

/* The first page alone, then half as much again: most parts of most records stay at one. */
static uint64_t grown(const struct record_part *p, uint64_t from, uint64_t upto)
{
	uint64_t more = from / 2 < STEP_MOST ? from / 2 : STEP_MOST;
	uint64_t to = store_pages(p, upto > from + more ? upto : from + more);

	return to < p->size_bytes ? to : p->size_bytes;
}

bool store_real(enum record_part_id id, uint64_t upto)
{
	struct record_part *p = &store.head->part[id];
	uint64_t from = record_peek(&p->real_bytes), to;

	if (likely(upto <= from))
		return true;
	if (upto > p->size_bytes)
		return false;
	if (self_gate.seccomp) {
		store_missed(MISS_after_seccomp);
		return false;
	}
	to = grown(p, from, upto);
	if (populate((uint8_t *)store_part(id) + from, to - from))
		return false;
	while (from < to && !__atomic_compare_exchange_n(&p->real_bytes, &from, to, false,
							 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return true;
}

bool store_real_page(void *at)
{
	return !self_gate.seccomp && !populate(at, RECORD_PAGE);
}

uint64_t store_take(enum record_part_id id, uint64_t bytes)
{
	struct record_part *p = &store.head->part[id];
	uint64_t at = record_peek(&p->used);

	bytes = (bytes + 7) & ~7ull;
	do {
		if (at + bytes > p->size_bytes || !store_real(id, at + bytes))
			return 0;
	} while (!__atomic_compare_exchange_n(&p->used, &at, at + bytes, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return at;
}

uint32_t store_take_item(enum record_part_id id, size_t item_bytes)
{
	struct record_part *p = &store.head->part[id];
	uint64_t n = record_peek(&p->used);

	do {
		if (!store_real(id, (n + 1) * item_bytes))
			return 0;
	} while (!__atomic_compare_exchange_n(&p->used, &n, n + 1, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return (uint32_t)n + 1;
}

void store_reserve(void)
{
	static const struct {
		enum record_part_id id;
		uint64_t bytes;
	} more[] = {
		{PART_stacks, 64 << 10}, {PART_sites, 64 << 10}, {PART_strings, 32 << 10},
		{PART_ring, 128 << 10},  {PART_facts, 16 << 10}, {PART_modules, 8 << 10},
		{PART_modes, 8 << 10},   {PART_shared, 4 << 10},
	};

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		uint64_t to = store.head->part[more[i].id].real_bytes + more[i].bytes;
		uint64_t size = store.head->part[more[i].id].size_bytes;

		store_real(more[i].id, to < size ? to : size);
	}
}

/* ---- layout -----------------------------------------------------------------------------------
 */

#define IMAGES_AT ((sizeof(struct record_header) + 63) / 64 * 64)
#define STRINGS_AT (IMAGES_AT + 40 * sizeof(struct record_image))
_Static_assert(STRINGS_AT % 8 == 0 && STRINGS_AT + 1024 <= RECORD_PAGE, "room for strings");

/* In the header's page; strings go on behind it. */
static uint64_t first_page(struct record_part *images, struct record_part *strings, uint64_t bytes)
{
	*images = (struct record_part){.offset_bytes = IMAGES_AT,
				       .size_bytes = STRINGS_AT - IMAGES_AT,
				       .real_bytes = STRINGS_AT - IMAGES_AT};
	*strings = (struct record_part){.offset_bytes = STRINGS_AT,
					.size_bytes = RECORD_PAGE - STRINGS_AT + bytes,
					.used = 8, /* id 0 is "none" */
					.real_bytes = RECORD_PAGE - STRINGS_AT};
	return RECORD_PAGE + bytes;
}

static uint64_t layout(struct record_header *h, unsigned shift, uint32_t fds)
{
	const uint64_t size[PART_COUNT] = {
		[PART_totals] = RECORD_TOTALS * sizeof(struct record_total),
		[PART_modules] = 512 * sizeof(struct record_module),
		[PART_stacks] = (512ull << 10) << shift,
		[PART_sites] = (1024ull << shift) * sizeof(struct record_site),
		[PART_facts] = (256ull << shift) * sizeof(struct record_facts),
		[PART_ring] = (512ull << shift) * sizeof(struct record_event),
		[PART_modes] = 2 * RECORD_PAGE,
		[PART_shared] = RECORD_PAGE,
		[PART_chunks] = fds / RECORD_CHUNK_FDS * sizeof(uint32_t),
		[PART_slots] = fds * sizeof(struct record_slot),
	};
	/* What every process touches lies together: the fewer tables of pages a fork has to make.
	 */
	static const uint8_t order[] = {PART_modes,  PART_shared, PART_chunks, PART_modules,
					PART_totals, PART_slots,  PART_sites,  PART_stacks,
					PART_ring,   PART_facts};
	uint64_t at =
		first_page(&h->part[PART_images], &h->part[PART_strings], (256ull << 10) << shift);

	for (unsigned k = 0; k < sizeof(order); k++) {
		unsigned i = order[k];

		h->part[i] = (struct record_part){.offset_bytes = at, .size_bytes = pages(size[i])};
		at += h->part[i].size_bytes;
	}
	h->part[PART_stacks].used = 8; /* id 0 is "none" */
	h->file_bytes = at;
	return at;
}

_Static_assert((512ull << 10 << 4) / 8 <= 1u << STORE_ID_BITS, "ids of the largest arena");

static bool limited(int what, uint64_t bytes)
{
	struct rlimit r = {0};

	if (sysc(SYS_prlimit64, 0, what, 0, &r) || r.rlim_cur == RLIM_INFINITY)
		return false;
	return r.rlim_cur < bytes;
}

static uint32_t tracked(uint32_t nofile_hard)
{
	uint32_t fds = nofile_hard < RECORD_FDS_MAX ? nofile_hard : RECORD_FDS_MAX;

	fds = (fds + RECORD_CHUNK_FDS - 1) / RECORD_CHUNK_FDS * RECORD_CHUNK_FDS;
	return fds < 1024 ? 1024 : fds;
}

/* false: the limits of the process do not allow it. */
static bool layout_whole(struct record_header *h, uint32_t fds)
{
	return !limited(RLIMIT_AS, 1ull << 40) &&
	       !limited(RLIMIT_FSIZE, layout(h, config.size_shift, fds));
}

static bool layout_small(struct record_header *h, uint32_t fds)
{
	return !limited(RLIMIT_FSIZE, layout(h, 0, fds < 32768 ? fds : 32768));
}

/* ---- starting ---------------------------------------------------------------------------------
 */

static void fill_header(struct record_header *h)
{
	h->version = RECORD_VERSION;
	h->header_bytes = sizeof(*h);
	h->calls = CALL_COUNT;
	h->state = STATE_starting;
	h->ppid = (uint32_t)sysc(SYS_getppid);
	h->gid = (uint32_t)sysc(SYS_getegid);
	h->created_ns = self_clock_asked(CLOCK_MONOTONIC);
	h->created_real_ns = self_clock_asked(CLOCK_REALTIME);
	h->created_boot_ns = self_clock_asked(CLOCK_BOOTTIME);
	h->end_status = -1;
	h->series_width_ns = 1000000000u;
}

/* MADV_POPULATE_WRITE is Linux 5.14; before it, everything is allocated now, so it must be small.
 */
static int make_real_at_start(int fd, struct record_header *h, uint8_t *base, uint32_t nofile_hard)
{
	long r = sysc(SYS_madvise, base, RECORD_PAGE, MADV_POPULATE_WRITE);

	store.populate = r != -EINVAL;
	if (r && r != -EINVAL)
		return (int)r;
	if (store.populate)
		return 0;
	layout(h, 0, nofile_hard < 4096 ? nofile_hard : 4096);
	r = sysc(SYS_fallocate, fd, 0, 0L, h->file_bytes);
	for (unsigned i = 0; i < PART_COUNT; i++)
		h->part[i].real_bytes = h->part[i].size_bytes;
	return (int)r;
}

void store_places(uint8_t *base)
{
	struct record_header *h = (struct record_header *)base;

	store.base = base;
	store.head = h;
	store.strings = store_part(PART_strings);
	store.sites = store_part(PART_sites);
	store.ring = store_part(PART_ring);
	store.ring_used = &h->part[PART_ring].used;
	store.ring_last = h->part[PART_ring].size_bytes / sizeof(struct record_event) - 1;
	store.ring_real = 0;
}

static int map_new(int fd, uint64_t bytes, uint8_t **ret_base)
{
	long at = sysc(SYS_ftruncate, fd, bytes);

	if (at)
		return (int)at;
	at = sysc(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at < 0 && at > -4096)
		return (int)at;
	*ret_base = (uint8_t *)at;
	return 0;
}

static int create(const char *session, struct record_header *h, uint32_t nofile_hard,
		  uint8_t **ret_base)
{
	int fd = store_file_create(session, h->pid), r;

	if (fd < 0)
		return fd;
	r = map_new(fd, h->file_bytes, ret_base);
	if (!r)
		r = make_real_at_start(fd, h, *ret_base, nofile_hard);
	sysc(SYS_close, fd);
	if (r)
		store_file_unlink(session, h->pid);
	return r;
}

void store_publish(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE); /* after everything that the magic vouches for */
	memcpy(store.head->magic, RECORD_MAGIC, sizeof(store.head->magic));
}

static bool usable(const struct record_header *h, uint64_t bytes)
{
	if (memcmp(h->magic, RECORD_MAGIC, sizeof(h->magic)) || h->version != RECORD_VERSION ||
	    h->header_bytes != sizeof(*h) || h->calls != CALL_COUNT || h->file_bytes != bytes)
		return false;
	for (unsigned i = 0; i < PART_COUNT; i++)
		if (h->part[i].offset_bytes + h->part[i].size_bytes > bytes)
			return false;
	return store_file_start_time() <= h->created_boot_ns;
}

struct record_header *store_map_own(const char *session, const struct record_header *who,
				    uint64_t *ret_bytes)
{
	struct stat st = {0};
	long at = -ENOENT, r;
	int fd = store_file_open(session, who->pid, O_RDWR);

	if (fd < 0)
		return NULL;
	if (!sysc(SYS_fstat, fd, &st) && st.st_size >= RECORD_PAGE && st.st_uid == who->uid)
		at = sysc(SYS_mmap, 0, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sysc(SYS_close, fd);
	if (at < 0 && at > -4096)
		return NULL;
	*ret_bytes = (uint64_t)st.st_size;
	r = sysc(SYS_madvise, at, RECORD_PAGE, MADV_POPULATE_WRITE);
	store.populate = r != -EINVAL;
	if (!r || r == -EINVAL)
		return (struct record_header *)at;
	sysc(SYS_munmap, at, st.st_size);
	return NULL;
}

/* The record of the image before this one, if `<pid>.rec` is that. */
static bool resume(const char *session, const struct record_header *who)
{
	uint64_t bytes;
	struct record_header *h = store_map_own(session, who, &bytes);

	if (!h)
		return false;
	if (!usable(h, bytes)) {
		sysc(SYS_munmap, h, bytes);
		return false;
	}
	store_places((uint8_t *)h);
	store.continued = true;
	store_modules_exec();
	return true;
}

int store_start(const char *session, uint32_t nofile_hard)
{
	struct record_header h = {.pid = (uint32_t)sysc(SYS_getpid),
				  .uid = (uint32_t)sysc(SYS_geteuid)};
	uint32_t fds = tracked(nofile_hard);
	bool whole = layout_whole(&h, fds);
	uint8_t *base = NULL;
	int r = whole ? store_reuse_take(session, &h, &base) : -EFBIG;

	if (r && resume(session, &h))
		return 0;
	if (r && (whole || layout_small(&h, fds)))
		r = create(session, &h, nofile_hard, &base);
	if (r)
		return r;
	fill_header(&h);
	if (whole)
		store_reuse_allow(&h);
	memcpy(h.magic, RECORD_MAGIC_SPARE, sizeof(h.magic)); /* until store_publish() */
	memcpy(base, &h, sizeof(h));
	store_places(base);
	return 0;
}

/* ---- ending -----------------------------------------------------------------------------------
 */

void store_off(enum record_off why, int err)
{
	if (store.head) {
		store.head->off_errno = (uint32_t)err;
		store.head->off = why;
	}
	self_slots(0);
	self_gate.state = SELF_off;
}

void store_end(int status)
{
	store.head->end_status = status;
	store.head->end_ns = self_clock_asked(CLOCK_MONOTONIC);
	record_publish(&store.head->state, STATE_exited); /* after what it makes valid */
}

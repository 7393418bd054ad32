/* SPDX-License-Identifier: MIT */
/* store_reuse.c - see store_reuse.h. It is given back by store_spare.c, as other spares are. */
#include <errno.h>
#include <string.h>
#include "calls.h"
#include "store.h"
#include "store_file.h"
#include "store_fork.h"
#include "store_reuse.h"
#include "sysc.h"

#define NO_PARENT 0u

void store_reuse_allow(struct record_header *h)
{
	h->spare = SPARE_taken;
	h->spare_of = NO_PARENT;
	h->spare_number = h->uid;
	h->spare_renamed = 1;
}

/* Left by a program in order. */
static bool is_ours(const struct record_header *x, const struct record_header *h, uint64_t bytes)
{
	for (unsigned i = 0; i < PART_COUNT; i++) {
		const struct record_part *p = &x->part[i];

		if (p->offset_bytes > bytes || p->size_bytes > bytes - p->offset_bytes ||
		    p->real_bytes > p->size_bytes)
			return false;
	}
	return !memcmp(x->magic, RECORD_MAGIC_SPARE, sizeof(x->magic)) &&
	       x->version == RECORD_VERSION && x->header_bytes == sizeof(*x) &&
	       x->calls == CALL_COUNT && x->file_bytes == bytes && x->spare == SPARE_free &&
	       x->uid == h->uid && x->part[PART_totals].used <= RECORD_TOTALS &&
	       !x->part[PART_chunks].real_bytes;
}

static bool has_room(const struct record_header *x, const struct record_header *h)
{
	for (unsigned i = 0; i < PART_COUNT; i++)
		if (x->part[i].size_bytes < h->part[i].size_bytes)
			return false;
	return true;
}

/* Too small: its lines go to the totals, and a larger one will take its place. */
static void give_up(const char *session, const struct record_header *x, uint32_t pid)
{
	const struct record_part *p = &x->part[PART_totals];

	if (!p->used || !store_file_append(session, x->uid, (const uint8_t *)x + p->offset_bytes,
					   p->used * sizeof(struct record_total)))
		store_file_unlink(session, pid);
}

/* What is real stays so; what the program before wrote goes, but for the lines of totals. */
static void clean(struct record_header *x, struct record_header *h)
{
	h->file_bytes = x->file_bytes;
	for (unsigned i = 0; i < PART_COUNT; i++) {
		const struct record_part *p = &x->part[i];
		uint64_t used = h->part[i].used, stale = p->used * store_item_bytes[i];

		h->part[i] = *p;
		if (i == PART_totals)
			continue;
		h->part[i].used = used;
		memset((uint8_t *)x + p->offset_bytes, 0,
		       stale < p->real_bytes ? stale : p->real_bytes);
	}
}

int store_reuse_take(const char *session, struct record_header *h, uint8_t **ret_base)
{
	int r = store_file_take_spare(session, NO_PARENT, h->uid, h->pid);
	struct record_header *x;
	uint64_t bytes;

	if (r)
		return r;
	x = store_map_own(session, h, &bytes);
	if (!x)
		return -ESTALE;
	if (is_ours(x, h, bytes) && has_room(x, h)) {
		x->pid = h->pid;
		record_publish(&x->spare, SPARE_taken);
		clean(x, h);
		*ret_base = (uint8_t *)x;
		return 0;
	}
	if (is_ours(x, h, bytes))
		give_up(session, x, h->pid);
	sysc(SYS_munmap, x, bytes);
	return -ESTALE;
}

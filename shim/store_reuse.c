/* SPDX-License-Identifier: MIT */
/* store_reuse.c - see store_reuse.h. It is given back by store_spare.c, as other spares are. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "calls.h"
#include "store.h"
#include "store_file.h"
#include "store_fork.h"
#include "store_reuse.h"
#include "sysc.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define NO_PARENT 0u

void store_reuse_allow(struct record_header *h)
{
	h->spare = SPARE_taken;
	h->spare_of = NO_PARENT;
	h->spare_number = h->uid;
	h->spare_renamed = 1;
}

/* A file of this size of ours; the header and what follows it are real, or it cannot be used. */
static long map(const char *session, const struct record_header *h)
{
	struct stat st;
	long at = -ESTALE, r;
	int fd = store_file_open(session, h->pid, O_RDWR);

	if (fd < 0)
		return fd;
	if (!sysc(SYS_fstat, fd, &st) && (uint64_t)st.st_size == h->file_bytes &&
	    st.st_uid == h->uid)
		at = sysc(SYS_mmap, 0, h->file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sysc(SYS_close, fd);
	if (at < 0 && at > -4096)
		return at;
	r = sysc(SYS_madvise, at, 2 * RECORD_PAGE, MADV_POPULATE_WRITE);
	store.populate = r != -EINVAL;
	if (!r || r == -EINVAL)
		return at;
	sysc(SYS_munmap, at, h->file_bytes);
	return r;
}

/* Left by a program in order, and laid out as ours would be. */
static bool fits(const struct record_header *x, const struct record_header *h)
{
	if (memcmp(x->magic, RECORD_MAGIC_SPARE, sizeof(x->magic)) ||
	    x->version != RECORD_VERSION || x->header_bytes != sizeof(*x) ||
	    x->calls != CALL_COUNT || x->file_bytes != h->file_bytes || x->spare != SPARE_free ||
	    x->uid != h->uid)
		return false;
	for (unsigned i = 0; i < PART_COUNT; i++)
		if (x->part[i].offset_bytes != h->part[i].offset_bytes ||
		    x->part[i].size_bytes != h->part[i].size_bytes ||
		    x->part[i].real_bytes > h->part[i].size_bytes)
			return false;
	return x->part[PART_totals].used <= RECORD_TOTALS && !x->part[PART_chunks].real_bytes;
}

/* What is real stays so; what the program before wrote goes, but for the lines of totals. */
static void clean(struct record_header *x, struct record_header *h)
{
	for (unsigned i = 0; i < PART_COUNT; i++) {
		const struct record_part *p = &x->part[i];
		uint64_t stale = p->used * store_item_bytes[i];

		h->part[i].real_bytes = p->real_bytes;
		if (i == PART_totals)
			h->part[i].used = p->used;
		else
			memset((uint8_t *)x + p->offset_bytes, 0,
			       stale < p->real_bytes ? stale : p->real_bytes);
	}
}

int store_reuse_take(const char *session, struct record_header *h, uint8_t **ret_base)
{
	struct record_header *x;
	long at = store_file_take_spare(session, NO_PARENT, h->uid, h->pid);

	if (at)
		return (int)at;
	at = map(session, h);
	x = (struct record_header *)at;
	if ((at > 0 || at < -4095) && fits(x, h)) {
		x->pid = h->pid;
		record_publish(&x->spare, SPARE_taken);
		clean(x, h);
		*ret_base = (uint8_t *)x;
		return 0;
	}
	if (at > 0 || at < -4095)
		sysc(SYS_munmap, at, h->file_bytes);
	store_file_unname_spare(session, h->pid, NO_PARENT, h->uid);
	return -ESTALE;
}

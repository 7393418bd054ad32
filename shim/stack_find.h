/* SPDX-License-Identifier: MIT */
/*
 * stack_find.h - the FDE of a pc: the object that holds it, by _dl_find_object (no lock,
 * signal-safe; glibc >= 2.35), else by a table made at start; then that object's .eh_frame_hdr.
 * Part of stack_cfi.c, its only user.
 *
 * Sources: LSB "Exception Frames" (.eh_frame_hdr), glibc manual (_dl_find_object).
 */
#ifndef SHIM_STACK_FIND_H
#define SHIM_STACK_FIND_H

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>

#define TABLE 128 /* objects known without _dl_find_object */

/* ---- finding the object ---------------------------------------------------------------------- */

struct object {
	uintptr_t start, end; /* where its tables may lie */
	uintptr_t hdr;        /* its .eh_frame_hdr */
};

static struct object table[TABLE];
static unsigned table_used;

#ifdef DLFO_STRUCT_HAS_EH_DBASE /* glibc 2.35 */
__typeof__(_dl_find_object) _dl_find_object __attribute__((weak));

static bool have_finder(void)
{
	return _dl_find_object != NULL;
}

static bool ask_finder(uintptr_t pc, struct object *ret)
{
	struct dl_find_object o;

	if (_dl_find_object((void *)pc, &o) || !o.dlfo_eh_frame)
		return false;
	*ret = (struct object){(uintptr_t)o.dlfo_map_start, (uintptr_t)o.dlfo_map_end,
			       (uintptr_t)o.dlfo_eh_frame};
	/* An executable with gaps between its segments: libc tells of the segment of pc only. */
	if (ret->hdr < ret->start || ret->hdr >= ret->end) {
		ret->start = 0;
		ret->end = UINTPTR_MAX;
	}
	return true;
}
#else
static bool have_finder(void)
{
	return false;
}

static bool ask_finder(uintptr_t pc, struct object *ret)
{
	(void)pc;
	(void)ret;
	return false;
}
#endif

static int list_object(struct dl_phdr_info *info, size_t size, void *unused)
{
	struct object o = {UINTPTR_MAX, 0, 0};

	(void)size;
	(void)unused;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_GNU_EH_FRAME)
			o.hdr = start;
		if (p->p_type != PT_LOAD)
			continue;
		o.start = start < o.start ? start : o.start;
		o.end = start + p->p_memsz > o.end ? start + p->p_memsz : o.end;
	}
	if (o.hdr && table_used < TABLE)
		table[table_used++] = o;
	return table_used == TABLE;
}

/* Before there are threads. */
static void list_objects(void)
{
	if (have_finder())
		return;
	table_used = 0;
	dl_iterate_phdr(list_object, NULL);
}

static bool find_object(uintptr_t pc, struct object *ret)
{
	if (have_finder())
		return ask_finder(pc, ret);
	for (unsigned i = 0; i < table_used; i++) {
		if (pc < table[i].start || pc >= table[i].end)
			continue;
		*ret = table[i];
		return true;
	}
	return false;
}

/* ---- finding the FDE ------------------------------------------------------------------------- */

struct hdr {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
	struct {
		int32_t pc, fde; /* relative to the header */
	} entry[];
};

/* Where the FDE of pc stands, 0 when there is none. Every linker writes this one kind of table. */
static uintptr_t find_fde(const struct object *o, uintptr_t pc)
{
	const struct hdr *h = (const struct hdr *)o->hdr;
	uint64_t room = o->end - o->hdr;
	int64_t want = (int64_t)(pc - o->hdr);
	uint32_t low = 0, high;

	if (o->hdr < o->start || o->hdr >= o->end || room < sizeof(*h) || h->version != 1 ||
	    h->frame_encoding != 0x1b || h->count_encoding != 0x03 || h->table_encoding != 0x3b ||
	    !h->count || h->count > (room - sizeof(*h)) / sizeof(h->entry[0]))
		return 0;
	for (high = h->count; high - low > 1;) {
		uint32_t middle = low + (high - low) / 2;

		if (h->entry[middle].pc <= want)
			low = middle;
		else
			high = middle;
	}
	return h->entry[low].pc <= want ? o->hdr + (uintptr_t)(intptr_t)h->entry[low].fde : 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * stack_dwarf.h - reads the bytes of call frame information within bounds: after one read beyond
 * the end every further one fails too. Used by stack_cfi.c only.
 *
 * Sources: LSB "DWARF Extensions" (pointer encodings), DWARF 5 section 7.6 (LEB128).
 */
#ifndef SHIM_STACK_DWARF_H
#define SHIM_STACK_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DWARF_OMIT 0xff

struct dwarf {
	const uint8_t *at, *end;
	bool bad;
};

static inline uint64_t dwarf_fixed(struct dwarf *d, unsigned bytes)
{
	uint64_t v = 0;

	if (d->bad || (size_t)(d->end - d->at) < bytes) {
		d->bad = true;
		return 0;
	}
	memcpy(&v, d->at, bytes);
	d->at += bytes;
	return v;
}

static inline int64_t dwarf_signed(struct dwarf *d, unsigned bytes)
{
	unsigned unused = 64 - 8 * bytes;

	return (int64_t)(dwarf_fixed(d, bytes) << unused) >> unused;
}

static inline uint64_t dwarf_leb(struct dwarf *d, bool sign)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = dwarf_fixed(d, 1);
		v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && shift < 63);
	d->bad |= (byte & 0x80) != 0;
	if (sign && byte & 0x40)
		v |= ~0ull << shift;
	return v;
}

static inline uint64_t dwarf_uleb(struct dwarf *d)
{
	return dwarf_leb(d, false);
}

static inline int64_t dwarf_sleb(struct dwarf *d)
{
	return (int64_t)dwarf_leb(d, true);
}

static inline void dwarf_skip(struct dwarf *d, uint64_t bytes)
{
	if (d->bad || (uint64_t)(d->end - d->at) < bytes)
		d->bad = true;
	else
		d->at += bytes;
}

/* The next `bytes` bytes, as a reader of their own; d goes on behind them. */
static inline struct dwarf dwarf_block(struct dwarf *d, uint64_t bytes)
{
	struct dwarf block = { d->at, d->at, d->bad };

	dwarf_skip(d, bytes);
	block.bad = d->bad;
	block.end = d->at;
	return block;
}

/* A value in a DW_EH_PE format, without what it is relative to. */
static inline uint64_t dwarf_format(struct dwarf *d, uint8_t encoding)
{
	static const uint8_t bytes[8] = { 8, 0, 2, 4, 8 }; /* absptr, leb, data2, data4, data8 */
	unsigned size = bytes[encoding & 7];

	if (size)
		return encoding & 8 ? (uint64_t)dwarf_signed(d, size) : dwarf_fixed(d, size);
	if ((encoding & 7) == 1)
		return dwarf_leb(d, encoding & 8);
	d->bad = true;
	return 0;
}

/* A pointer: absolute, or relative to where it stands (pcrel). Others are not in .eh_frame. */
static inline uintptr_t dwarf_pointer(struct dwarf *d, uint8_t encoding)
{
	uintptr_t here = (uintptr_t)d->at;

	d->bad |= encoding & 0xe0; /* indirect, datarel, funcrel, aligned */
	return (encoding & 0x70 ? here : 0) + dwarf_format(d, encoding);
}

#endif

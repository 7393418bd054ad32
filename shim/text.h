/* SPDX-License-Identifier: MIT */
/*
 * text.h - text into memory of a given size: what does not fit is cut, and it is always terminated.
 * Signal-safe.
 */
#ifndef SHIM_TEXT_H
#define SHIM_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *s;
	size_t n, size; /* bytes written; bytes there are, at least one */
};

void text_put(struct text *t, const char *s);
void text_put_bytes(struct text *t, const char *s, size_t n);
/* base: 10 or 16 */
void text_put_number(struct text *t, uint64_t n, unsigned base);

#endif

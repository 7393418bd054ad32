/* SPDX-License-Identifier: MIT */
/* text.c - see text.h. */
#include <string.h>
#include "text.h"

void text_put_bytes(struct text *t, const char *s, size_t n)
{
	if (n > t->size - 1 - t->n)
		n = t->size - 1 - t->n;
	memcpy(t->s + t->n, s, n);
	t->n += n;
	t->s[t->n] = '\0';
}

void text_put(struct text *t, const char *s)
{
	text_put_bytes(t, s, strlen(s));
}

void text_put_number(struct text *t, uint64_t n, unsigned base)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	text_put_bytes(t, digits + at, sizeof(digits) - at);
}

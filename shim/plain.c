/* SPDX-License-Identifier: MIT */
/*
 * plain.c - libc's functions on plain memory, once more: every object of the shim is bound to
 * these. A sanitizer's runtime interposes libc's; called from here they would start it in the
 * middle of our start, and judge our memory as if the target had written it. Nothing here may call
 * anything.
 *
 * A test includes this file with PLAIN() giving other names.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#ifndef PLAIN
#define PLAIN(name) name
#endif

/* Keeps the compiler from making a call of the loop: memcpy would call memcpy. */
#define AS_WRITTEN() __asm__ volatile("" ::: "memory")
#define WORD sizeof(uint64_t)

static inline uint64_t load(const unsigned char *p)
{
	uint64_t w;

	__builtin_memcpy(&w, p, WORD);
	return w;
}

static inline void store_word(unsigned char *p, uint64_t w)
{
	__builtin_memcpy(p, &w, WORD);
}

static inline void copy_short(unsigned char *to, const unsigned char *from, size_t n)
{
	uint32_t a, b;

	if (n >= sizeof(a)) {
		__builtin_memcpy(&a, from, sizeof(a));
		__builtin_memcpy(&b, from + n - sizeof(b), sizeof(b));
		__builtin_memcpy(to, &a, sizeof(a));
		__builtin_memcpy(to + n - sizeof(b), &b, sizeof(b));
		return;
	}
	for (; n; n--) {
		to[n - 1] = from[n - 1];
		AS_WRITTEN();
	}
}

/* From the low end; a word is read before it is written, so `from` may lie above and overlap. */
static inline void copy_up(unsigned char *to, const unsigned char *from, size_t n)
{
	for (; n >= WORD; n -= WORD, to += WORD, from += WORD) {
		store_word(to, load(from));
		AS_WRITTEN();
	}
	for (; n; n--) {
		*to++ = *from++;
		AS_WRITTEN();
	}
}

static inline void copy_down(unsigned char *to, const unsigned char *from, size_t n)
{
	for (; n >= WORD; n -= WORD) {
		store_word(to + n - WORD, load(from + n - WORD));
		AS_WRITTEN();
	}
	for (; n; n--) {
		to[n - 1] = from[n - 1];
		AS_WRITTEN();
	}
}

/* Blocks, then the last one again from the end; what is shorter likewise in halves. */
void *PLAIN(memcpy)(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;
	size_t at = 0;

	if (n < WORD) {
		copy_short(t, f, n);
		return to;
	}
	for (; at + 4 * WORD <= n; at += 4 * WORD) {
		store_word(t + at, load(f + at));
		store_word(t + at + WORD, load(f + at + WORD));
		store_word(t + at + 2 * WORD, load(f + at + 2 * WORD));
		store_word(t + at + 3 * WORD, load(f + at + 3 * WORD));
		AS_WRITTEN();
	}
	for (; at + WORD < n; at += WORD) {
		store_word(t + at, load(f + at));
		AS_WRITTEN();
	}
	store_word(t + n - WORD, load(f + n - WORD));
	return to;
}

void *PLAIN(memmove)(void *to, const void *from, size_t n)
{
	if ((uintptr_t)to <= (uintptr_t)from)
		copy_up(to, from, n);
	else
		copy_down(to, from, n);
	return to;
}

void *PLAIN(memset)(void *to, int c, size_t n)
{
	unsigned char *p = to;
	uint64_t w = 0x0101010101010101u * (unsigned char)c;

	for (; n >= WORD; n -= WORD, p += WORD) {
		store_word(p, w);
		AS_WRITTEN();
	}
	for (; n; n--) {
		*p++ = (unsigned char)c;
		AS_WRITTEN();
	}
	return to;
}

/* How many bytes are the same in whole blocks from the start. */
static inline size_t same_blocks(const unsigned char *p, const unsigned char *q, size_t n)
{
	size_t at = 0;

	for (; at + 4 * WORD <= n; at += 4 * WORD) {
		uint64_t differ = (load(p + at) ^ load(q + at)) |
				  (load(p + at + WORD) ^ load(q + at + WORD)) |
				  (load(p + at + 2 * WORD) ^ load(q + at + 2 * WORD)) |
				  (load(p + at + 3 * WORD) ^ load(q + at + 3 * WORD));

		if (differ)
			return at;
	}
	for (; at + WORD <= n && load(p + at) == load(q + at); at += WORD)
		AS_WRITTEN();
	return at;
}

static inline int compare_bytes(const unsigned char *p, const unsigned char *q, size_t n)
{
	size_t at = same_blocks(p, q, n);

	if (n >= WORD && at + WORD > n && load(p + n - WORD) == load(q + n - WORD))
		return 0;
	for (; at < n; at++)
		if (p[at] != q[at])
			return p[at] - q[at];
	return 0;
}

int PLAIN(memcmp)(const void *a, const void *b, size_t n)
{
	return compare_bytes(a, b, n);
}

/* These two no source of ours calls: clang makes them of memcmp and strchr. */
int PLAIN(bcmp)(const void *a, const void *b, size_t n)
{
	return compare_bytes(a, b, n);
}

void *PLAIN(memchr)(const void *from, int c, size_t n)
{
	const unsigned char *p = from;

	for (; n && *p != (unsigned char)c; n--, p++)
		AS_WRITTEN();
	return n ? (void *)(uintptr_t)p : NULL;
}

/* How many of these eight come before the end. */
static inline size_t of_eight(const char *s)
{
#pragma GCC unroll 8
	for (size_t i = 0; i < 8; i++)
		if (!s[i])
			return i;
	return 8;
}

/* Byte by byte: what lies behind the end may not be there to be read. */
static inline size_t length(const char *s, size_t max)
{
	size_t n = 0, more;

	for (; n < max - max % 8; n += 8) {
		more = of_eight(s + n);
		if (more < 8)
			return n + more;
	}
	for (; n < max && s[n]; n++)
		AS_WRITTEN();
	return n;
}

size_t PLAIN(strnlen)(const char *s, size_t max)
{
	return length(s, max);
}

size_t PLAIN(strlen)(const char *s)
{
	return length(s, SIZE_MAX);
}

static inline int compare(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--, a++, b++)
		AS_WRITTEN();
	return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

int PLAIN(strncmp)(const char *a, const char *b, size_t n)
{
	return compare(a, b, n);
}

int PLAIN(strcmp)(const char *a, const char *b)
{
	return compare(a, b, SIZE_MAX);
}

char *PLAIN(strchr)(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

char *PLAIN(strrchr)(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)(uintptr_t)last;
	}
}

char *PLAIN(strstr)(const char *s, const char *what)
{
	size_t n = length(what, SIZE_MAX);

	for (;; s++) {
		if (!compare(s, what, n))
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

/* How many characters of `s` are (or are not) of `set`. */
static inline size_t span(const char *s, const char *set, bool of_it)
{
	size_t n = 0;

	while (s[n] && (PLAIN(strchr)(set, s[n]) != NULL) == of_it)
		n++;
	return n;
}

size_t PLAIN(strspn)(const char *s, const char *set)
{
	return span(s, set, true);
}

size_t PLAIN(strcspn)(const char *s, const char *set)
{
	return span(s, set, false);
}

/* SPDX-License-Identifier: MIT */
/*
 * store_path.h - is a path the one that was stored? HOT: most fds of a place are born with the name
 * of the one before. For call_births.h.
 */
#ifndef SHIM_STORE_PATH_H
#define SHIM_STORE_PATH_H

#include <string.h>
#include "store.h"

#define STORE_PATH_PAGE 4096u /* the smallest; within one all can be read or nothing */

/* Sixteen bytes, wherever they lie. */
typedef uint64_t store_path_bytes __attribute__((vector_size(16), aligned(1), may_alias));

static inline uint64_t store_path_word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline store_path_bytes store_path_differ(const char *a, const char *b)
{
	return *(const store_path_bytes *)a ^ *(const store_path_bytes *)b;
}

static inline bool store_path_short(const char *path, const char *text, size_t n)
{
	uint64_t differ;

	if (unlikely(n < sizeof(uint64_t)))
		return !memcmp(path, text, n);
	differ = store_path_word(path) ^ store_path_word(text);
	n -= sizeof(uint64_t);
	return !(differ | (store_path_word(path + n) ^ store_path_word(text + n)));
}

/* Is `path` these n bytes, and no more? Not before its end is anything read of the next page. */
static INLINED bool store_path_ends(const char *path, const char *text, size_t n)
{
	store_path_bytes differ;

	if (unlikely((uintptr_t)path % STORE_PATH_PAGE + n >= STORE_PATH_PAGE) || path[n])
		return false;
	if (n < sizeof(differ))
		return store_path_short(path, text, n);
	n -= sizeof(differ);
	differ = store_path_differ(path + n, text + n);
	for (size_t at = 0; at < n; at += sizeof(differ))
		differ |= store_path_differ(path + at, text + at);
	return !(differ[0] | differ[1]);
}

/* Of relative paths, or all after a chroot. */
bool store_path_is_below(uint32_t id, const char *path);

/*
 * Is the string `path`, from STORE_CWD? Says no where it takes time to tell. `rooted`: there may be
 * another root directory.
 */
static INLINED bool store_path_is(uint32_t id, const char *path, bool rooted)
{
	const struct record_string *s = store_string_at(id);
	const uint8_t plain[2] = {STRING_path, 0}; /* its type and flags */

	if (unlikely(!id) || unlikely(memcmp(&s->type, plain, sizeof(plain))) ||
	    (rooted && unlikely(store.head->root)))
		return store_path_is_below(id, path);
	return store_path_ends(path, s->data, s->bytes);
}

#endif

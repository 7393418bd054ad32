/* SPDX-License-Identifier: MIT */
/*
 * store_strings.c - paths, addresses and other names, each stored once. Called when an fd is born
 * with a name, when a module is first seen and at the start of an image.
 */
#include <string.h>
#include "store.h"
#include "store_path.h"
#include "sysc.h"

struct key {
	const void *data;
	size_t bytes;
	uint32_t hash;
	uint8_t type;
};

static bool same_text(const struct record_string *s, const struct key *k)
{
	return s->bytes == k->bytes && s->type == k->type && !memcmp(s->data, k->data, k->bytes);
}

static bool same(uint32_t id, const void *key)
{
	const struct record_string *s = store_string_at(id);
	const struct key *k = key;

	return s->hash == k->hash && same_text(s, k);
}

/* The strings seen last, by where the target has them: most paths are constants. */
#define RECENT 64u
static AT_START uint32_t recent[RECENT];

static AT_START uint32_t small[512];
static uint32_t middle[8192], big[32768];
static struct store_index index_ = {{{small, 512, 0}, {middle, 8192, 0}, {big, 32768, 0}}, same};

static uint32_t put(const struct key *k, uint8_t flags)
{
	uint64_t at = store_take(PART_strings, sizeof(struct record_string) + k->bytes);
	struct record_string *s = (struct record_string *)(store.strings + at);

	if (!at) {
		store_missed(MISS_string_space);
		return 0;
	}
	s->hash = k->hash;
	s->bytes = (uint16_t)k->bytes;
	s->type = k->type;
	s->flags = flags;
	memcpy(s->data, k->data, k->bytes);
	return (uint32_t)(at / 8);
}

uint32_t store_string(enum record_string_type type, const void *data, size_t bytes)
{
	bool cut = bytes > RECORD_STRING_MAX;
	struct key k = {
		.data = data, .bytes = cut ? RECORD_STRING_MAX : bytes, .type = (uint8_t)type};
	uint32_t *recent_one = &recent[((uintptr_t)data >> 3) % RECENT], *place;
	uint32_t id = record_peek(recent_one);

	if (!bytes)
		return 0;
	if (likely(id) && same_text(store_string_at(id), &k))
		return id;
	k.hash = store_hash(k.data, k.bytes, (uint32_t)type);
	do {
		id = store_index_find(&index_, k.hash, &k, &place);
		if (id)
			break;
		id = put(&k, cut ? STRING_CUT : 0);
		if (!id || !place)
			break;
		id = store_index_add(&index_, place, k.hash, id, &k);
	} while (!id);
	record_poke(recent_one, id);
	return id;
}

static uint32_t path_at(uint32_t dir, const char *path, size_t n)
{
	char at[RECORD_STRING_MAX];

	if (n > sizeof(at) - sizeof(dir))
		n = sizeof(at) - sizeof(dir);
	memcpy(at, &dir, sizeof(dir));
	memcpy(at + sizeof(dir), path, n);
	return store_string(STRING_path_at, at, n + sizeof(dir));
}

/* After a chroot, what the process calls "/" is a directory. */
static uint32_t absolute(const char *path, size_t n)
{
	uint32_t root = store.head->root;

	return root ? path_at(root, path + 1, n - 1) : store_string(STRING_path, path, n);
}

static uint32_t cwd(void)
{
	char path[RECORD_STRING_MAX];
	long n;

	if (store.head->cwd || self_gate.seccomp)
		return store.head->cwd;
	n = sysc(SYS_getcwd, path, sizeof(path));
	if (n > 1 && path[0] == '/')
		store.head->cwd = absolute(path, (size_t)n - 1);
	return store.head->cwd;
}

uint32_t store_path(uint32_t dir, const char *path)
{
	size_t n = strnlen(path, 4096);

	if (*path == '/')
		return absolute(path, n);
	return path_at(dir == STORE_CWD ? cwd() : dir, path, n);
}

/* Below the directory `dir`. */
static bool is_below(const struct record_string *s, uint32_t dir, const char *path)
{
	uint32_t of;

	if (!dir || s->type != STRING_path_at || s->flags)
		return false;
	memcpy(&of, s->data, sizeof(of));
	return of == dir && store_path_ends(path, s->data + sizeof(of), s->bytes - sizeof(of));
}

WARM bool store_path_is_below(uint32_t id, const char *path)
{
	const struct record_header *h = store.head;

	if (!id)
		return false;
	if (*path != '/')
		return is_below(store_string_at(id), h->cwd, path);
	return is_below(store_string_at(id), h->root, path + 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * real_find.h - definitions after our own in the search order, as dlsym(RTLD_NEXT) finds them, in a
 * thirtieth of its instructions: start-up asks for some 160. Called by real.c only.
 */
#ifndef SHIM_REAL_FIND_H
#define SHIM_REAL_FIND_H

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

#define REAL_OBJECTS 32

struct real_object {
	uintptr_t base;
	const uint32_t *hash; /* DT_GNU_HASH */
	const ElfW(Sym) * symbols;
	const char *names;
	const ElfW(Half) * versions; /* NULL: none */
};

/* A name and its hash in the tables of the dynamic linker, which the compiler works out. */
struct real_name {
	uint32_t hash;
	uint8_t bytes; /* with the end */
	char name[27];
};
#define REAL_NAME(text)                                                      \
	{                                                                    \
		.hash = REAL_HASH(text), .bytes = sizeof(text), .name = text \
	}

/* 5381 * 33^n + the sum of char[i] * 33^(n - 1 - i) */
#define REAL_HASH(s)                                                                    \
	(5381u * REAL_POWER(sizeof(s) - 1) + REAL_CHARS(s, 0) + REAL_CHARS(s, 4) +      \
	 REAL_CHARS(s, 8) + REAL_CHARS(s, 12) + REAL_CHARS(s, 16) + REAL_CHARS(s, 20) + \
	 REAL_CHARS(s, 24))
#define REAL_CHARS(s, i) \
	(REAL_CHAR(s, i) + REAL_CHAR(s, (i) + 1) + REAL_CHAR(s, (i) + 2) + REAL_CHAR(s, (i) + 3))
#define REAL_CHAR(s, i)                                                                  \
	((i) + 1 < sizeof(s) ? (uint32_t)(unsigned char)(s)[(i) < sizeof(s) ? (i) : 0] * \
				       REAL_POWER(sizeof(s) - 2 - (i))                   \
			     : 0u)
#define REAL_POWER(n)                                                                       \
	(((n)&1 ? 33u : 1u) * ((n)&2 ? 33u * 33 : 1u) * ((n)&4 ? 33u * 33 * 33 * 33 : 1u) * \
	 ((n)&8 ? 33u * 33 * 33 * 33 * 33 * 33 * 33 * 33 : 1u) * ((n)&16 ? 0x92d9e201u : 1u))

/* The objects loaded after the one that has `here`, in order. */
struct real_objects {
	size_t count; /* 0: ask dlsym for everything */
	struct real_object object[REAL_OBJECTS];
};

void real_objects_list(const void *here, struct real_objects *ret);
/* The function of that name; NULL: not found, or not plain, so dlsym must say. */
void *real_find(const struct real_objects *list, const struct real_name *name);
/* A function that the kernel has mapped into every process (vdso); NULL: there is none. */
void *real_find_vdso(const void *here, const struct real_name *name);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * real_find.h - definitions after our own in the search order, as dlsym(RTLD_NEXT) finds them, in
 * an eighth of its instructions: start-up asks for some 150. Called by real.c only.
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

/* The objects loaded after the one that has `here`, in order. */
struct real_objects {
	size_t count; /* 0: ask dlsym for everything */
	struct real_object object[REAL_OBJECTS];
};

void real_objects_list(const void *here, struct real_objects *ret);
/* The function of that name; NULL: not found, or not plain, so dlsym must say. */
void *real_find(const struct real_objects *list, const char *name);

#endif

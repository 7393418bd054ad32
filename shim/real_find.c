/* SPDX-License-Identifier: MIT */
/*
 * real_find.c - see real_find.h. Reads what the dynamic linker has mapped; takes no lock, so it
 * runs while the linker calls us. Whatever is out of the ordinary is left to dlsym.
 */
#include <stdbool.h>
#include <string.h>
#include "attrs.h"
#include "real_find.h"

#pragma weak _dl_find_object

#define HIDDEN_VERSION 0x8000u
#define BLOOM_BITS (8 * sizeof(ElfW(Addr)))

/*
 * libc has relocated the addresses in dynamic sections, but not in the vdso's, which is read-only;
 * nor does it look for symbols there.
 */
static bool is_vdso(const struct link_map *l)
{
	for (const ElfW(Dyn) *d = l->l_ld; d && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_SYMTAB)
			return d->d_un.d_ptr < l->l_addr;
	return false;
}

/* false: an object that cannot be searched this way. */
static bool describe(const struct link_map *l, struct real_object *ret)
{
	*ret = (struct real_object){.base = l->l_addr};
	for (const ElfW(Dyn) *d = l->l_ld; d && d->d_tag != DT_NULL; d++) {
		const void *at = (const void *)d->d_un.d_ptr;

		if (d->d_tag == DT_GNU_HASH)
			ret->hash = at;
		else if (d->d_tag == DT_SYMTAB)
			ret->symbols = at;
		else if (d->d_tag == DT_STRTAB)
			ret->names = at;
		else if (d->d_tag == DT_VERSYM)
			ret->versions = at;
	}
	return ret->hash && ret->symbols && ret->names;
}

void real_objects_list(const void *here, struct real_objects *ret)
{
	struct dl_find_object own;

	ret->count = 0;
	if (!_dl_find_object || _dl_find_object((void *)(uintptr_t)here, &own))
		return;
	for (const struct link_map *l = own.dlfo_link_map->l_next; l; l = l->l_next) {
		if (is_vdso(l))
			continue;
		if (ret->count == REAL_OBJECTS || !describe(l, &ret->object[ret->count])) {
			ret->count = 0;
			return;
		}
		ret->count++;
	}
}

static bool same(const char *a, const char *b, size_t bytes)
{
	uint64_t x, y;
	size_t at = 0;

	for (; at + sizeof(x) <= bytes; at += sizeof(x)) {
		memcpy(&x, a + at, sizeof(x));
		memcpy(&y, b + at, sizeof(y));
		if (x != y)
			return false;
	}
	while (at < bytes && a[at] == b[at])
		at++;
	return at == bytes;
}

/* A definition that everybody may use, of the default version. */
static bool is_definition(const struct real_object *o, uint32_t i)
{
	const ElfW(Sym) *s = &o->symbols[i];
	unsigned visibility = ELF64_ST_VISIBILITY(s->st_other);

	return s->st_shndx != SHN_UNDEF && s->st_value &&
	       (visibility == STV_DEFAULT || visibility == STV_PROTECTED) &&
	       !(o->versions && o->versions[i] & HIDDEN_VERSION);
}

/* The symbol's index, or 0. */
static uint32_t search(const struct real_object *o, const struct real_name *name)
{
	uint32_t hash = name->hash, buckets = o->hash[0], first = o->hash[1], words = o->hash[2];
	const ElfW(Addr) *bloom = (const ElfW(Addr) *)(const void *)(o->hash + 4);
	const uint32_t *bucket = (const uint32_t *)(bloom + words);
	ElfW(Addr) word = bloom[hash / BLOOM_BITS & (words - 1)];
	uint32_t i;

	if (!buckets || !(word >> hash % BLOOM_BITS & 1) ||
	    !(word >> (hash >> o->hash[3]) % BLOOM_BITS & 1))
		return 0;
	i = bucket[hash % buckets];
	if (i < first)
		return 0;
	for (const uint32_t *chain = bucket + buckets + (i - first);; i++, chain++) {
		if ((*chain ^ hash) <= 1 && is_definition(o, i) &&
		    same(o->names + o->symbols[i].st_name, name->name, name->bytes))
			return i;
		if (*chain & 1)
			return 0;
	}
}

void *real_find(const struct real_objects *list, const struct real_name *name)
{
	uint32_t i;

	for (size_t n = 0; n < list->count; n++) {
		const struct real_object *o = &list->object[n];

		i = search(o, name);
		if (i)
			return ELF64_ST_TYPE(o->symbols[i].st_info) == STT_FUNC
				       ? (void *)(o->base + o->symbols[i].st_value)
				       : NULL;
	}
	return NULL;
}

static const void *moved(const void *at, uintptr_t by)
{
	return at ? (const char *)at + by : NULL;
}

void *real_find_vdso(const void *here, const struct real_name *name)
{
	struct dl_find_object own;
	struct real_objects vdso = {.count = 1};
	struct real_object *o = &vdso.object[0];
	const struct link_map *l;

	if (!_dl_find_object || _dl_find_object((void *)(uintptr_t)here, &own))
		return NULL;
	for (l = own.dlfo_link_map; l->l_prev; l = l->l_prev)
		;
	while (l && !is_vdso(l))
		l = l->l_next;
	if (!l || !describe(l, o))
		return NULL;
	o->hash = moved(o->hash, o->base);
	o->symbols = moved(o->symbols, o->base);
	o->names = moved(o->names, o->base);
	o->versions = moved(o->versions, o->base);
	return real_find(&vdso, name);
}

/* SPDX-License-Identifier: MIT */
/* rules_symbols.c - see rules_symbols.h. Trusts the ELF headers that the dynamic linker trusted; of
 * the file, which may have been replaced, every offset is checked. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "rules_symbols.h"
#include "self.h"
#include "store.h"
#include "sysc.h"

struct table {
	const ElfW(Sym) * symbols;
	const char *names;
	uint64_t count, names_bytes;
};

#define FILES 32u
static struct file {
	uint64_t start; /* of the module; 0 free */
	struct table table;
	uint32_t ready;
} files[FILES];

static bool search(const struct table *t, uint64_t address, char *ret, size_t size)
{
	for (uint64_t i = 0; i < t->count; i++) {
		const ElfW(Sym) *s = &t->symbols[i];
		uint64_t bytes = s->st_size ? s->st_size : 1;
		size_t n;

		if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || !s->st_shndx ||
		    address < s->st_value || address - s->st_value >= bytes ||
		    s->st_name >= t->names_bytes)
			continue;
		n = strnlen(t->names + s->st_name, t->names_bytes - s->st_name);
		if (n >= size)
			n = size - 1;
		memcpy(ret, t->names + s->st_name, n);
		ret[n] = '\0';
		return true;
	}
	return false;
}

/* How many symbols a GNU hash table has: one more than the last of the last chain. */
static uint64_t gnu_count(const uint32_t *hash)
{
	const uint32_t *buckets = hash + 4 + hash[2] * (sizeof(ElfW(Addr)) / 4);
	const uint32_t *chains = buckets + hash[0];
	uint32_t last = 0;

	for (uint32_t i = 0; i < hash[0]; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (last < hash[1])
		return last;
	while (!(chains[last - hash[1]] & 1))
		last++;
	return last + 1;
}

/* glibc relocates the pointers in .dynamic; where it does not (vdso) they are offsets. */
static uint64_t in_memory(const struct record_module *m, uint64_t value)
{
	return value < m->start ? value + m->bias : value;
}

static void read_dynamic(const struct record_module *m, const ElfW(Dyn) * d, struct table *ret)
{
	for (; d->d_tag != DT_NULL; d++) {
		uint64_t at = in_memory(m, d->d_un.d_ptr);

		if (d->d_tag == DT_SYMTAB)
			ret->symbols = (const void *)at;
		else if (d->d_tag == DT_STRTAB)
			ret->names = (const void *)at;
		else if (d->d_tag == DT_STRSZ)
			ret->names_bytes = d->d_un.d_val;
		else if (d->d_tag == DT_GNU_HASH)
			ret->count = gnu_count((const void *)at);
		else if (d->d_tag == DT_HASH && !ret->count)
			ret->count = ((const uint32_t *)at)[1];
	}
}

static bool dynamic_table(const struct record_module *m, struct table *ret)
{
	const ElfW(Ehdr) *e = (const void *)m->start;
	const ElfW(Phdr) * p;

	if (memcmp(e->e_ident, ELFMAG, SELFMAG))
		return false;
	*ret = (struct table){0};
	p = (const void *)(m->start + e->e_phoff);
	for (unsigned i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == PT_DYNAMIC)
			read_dynamic(m, (const void *)(m->bias + p[i].p_vaddr), ret);
	return ret->symbols && ret->names;
}

static bool inside(uint64_t offset, uint64_t bytes, uint64_t total)
{
	return offset <= total && bytes <= total - offset;
}

static void read_sections(const uint8_t *map, uint64_t bytes, struct table *ret)
{
	const ElfW(Ehdr) *e = (const void *)map;
	const ElfW(Shdr) * s, *names;

	if (bytes < sizeof(*e) || memcmp(e->e_ident, ELFMAG, SELFMAG) ||
	    !inside(e->e_shoff, (uint64_t)e->e_shnum * sizeof(*s), bytes))
		return;
	s = (const void *)(map + e->e_shoff);
	for (unsigned i = 0; i < e->e_shnum; i++) {
		if (s[i].sh_type != SHT_SYMTAB || s[i].sh_link >= e->e_shnum)
			continue;
		names = &s[s[i].sh_link];
		if (!inside(s[i].sh_offset, s[i].sh_size, bytes) ||
		    !inside(names->sh_offset, names->sh_size, bytes))
			continue;
		*ret = (struct table){.symbols = (const void *)(map + s[i].sh_offset),
				      .count = s[i].sh_size / sizeof(ElfW(Sym)),
				      .names = (const char *)map + names->sh_offset,
				      .names_bytes = names->sh_size};
		return;
	}
}

static void map_file(const struct record_module *m, struct table *ret)
{
	const struct record_string *s = store_string_at(m->path);
	char path[RECORD_STRING_MAX + 1];
	struct stat st;
	long fd, at;

	if (!m->path || s->type != STRING_path || self_gate.seccomp)
		return;
	memcpy(path, s->data, s->bytes);
	path[s->bytes] = '\0';
	fd = sysc(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (!sysc(SYS_fstat, fd, &st) && st.st_size > 0) {
		at = sysc(SYS_mmap, 0, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at > 0 || at < -4095)
			read_sections((const uint8_t *)at, (uint64_t)st.st_size, ret);
	}
	sysc(SYS_close, fd);
}

/* The table of a module's file; two threads at once may map it twice. */
static const struct table *file_table(const struct record_module *m)
{
	for (unsigned i = 0; i < FILES; i++) {
		struct file *f = &files[(m->start / 4096 + i) % FILES];
		uint64_t nobody = 0;

		if (record_peek(&f->start) == m->start)
			return record_observe(&f->ready) ? &f->table : NULL; /* pairs with below */
		if (!__atomic_compare_exchange_n(&f->start, &nobody, m->start, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		map_file(m, &f->table);
		record_publish(&f->ready, 1);
		return &f->table;
	}
	return NULL;
}

bool rules_symbol(const struct record_module *m, uint64_t pc, char *ret, size_t size)
{
	const struct table *file;
	struct table t;

	if (dynamic_table(m, &t) && search(&t, pc - m->bias, ret, size))
		return true;
	file = file_table(m);
	return file && search(file, pc - m->bias, ret, size);
}

/* SPDX-License-Identifier: MIT */
/*
 * present_maps.c - which module an address lies in, from /proc/PID/maps and the ELF headers in the
 * memory of the process: no file is opened, so one that was replaced or is in another place tells
 * no lies. Reads memory of a process that may change under it: everything is bounded.
 */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include "present_parts.h"
#include "util.h"

#define HEADERS_MAX 32u
#define NOTE_MAX 1024u

struct map {
	uint64_t start, end, offset;
	char *path; /* NULL none */
};

struct present_maps {
	pid_t pid;
	struct map *map;
	size_t count, room;
	struct base {
		uint64_t start; /* of the mapping with the ELF header */
		uint64_t bias;
		uint32_t module; /* in struct present */
	} base[PRESENT_MODULES];
	unsigned bases;
};

bool present_read(pid_t pid, uint64_t at, void *to, size_t bytes)
{
	struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)at, bytes};

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)bytes;
}

struct present_maps *present_maps_read(pid_t pid)
{
	struct present_maps *m = util_alloc(1, sizeof(*m));
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	m->pid = pid;
	while (f && getline(&line, &room, f) > 0) {
		unsigned long start, end, offset;
		int name = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %n", &start, &end, &offset, &name) != 3)
			continue;
		*UTIL_PUSH(m->map, m->count, m->room) = (struct map){
			start, end, offset, name && line[name] ? util_copy(line + name) : NULL};
	}
	free(line);
	if (f)
		fclose(f);
	return m;
}

static const struct map *map_at(const struct present_maps *m, uint64_t at)
{
	for (size_t i = 0; i < m->count; i++)
		if (at >= m->map[i].start && at < m->map[i].end)
			return &m->map[i];
	return NULL;
}

uint64_t present_maps_end(const struct present_maps *m, uint64_t at)
{
	const struct map *x = map_at(m, at);

	return x ? x->end : at;
}

/* The latest mapping before it of the start of the same file. */
static const struct map *head_of(const struct present_maps *m, const struct map *x)
{
	for (; x >= m->map; x--) {
		if (!x->path)
			continue;
		if (!x->offset)
			return x;
	}
	return NULL;
}

/* ---- the headers in memory ----------------------------------------------------------------------
 */

static void take_notes(const unsigned char *note, size_t bytes, struct present_module *ret)
{
	for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= bytes;) {
		const ElfW(Nhdr) *n = (const void *)(note + at);
		size_t name = at + sizeof(*n), desc = name + ((n->n_namesz + 3u) & ~3u);

		if (n->n_namesz > bytes || n->n_descsz > bytes || desc + n->n_descsz > bytes)
			return;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 &&
		    !memcmp(note + name, "GNU", 4) && n->n_descsz <= sizeof(ret->build_id)) {
			memcpy(ret->build_id, note + desc, n->n_descsz);
			ret->build_id_bytes = (uint8_t)n->n_descsz;
			return;
		}
		at = desc + ((n->n_descsz + 3u) & ~3u);
	}
}

static void read_notes(const struct present_maps *m, uint64_t bias, const ElfW(Phdr) * p,
		       struct present_module *ret)
{
	_Alignas(ElfW(Nhdr)) unsigned char note[NOTE_MAX];
	size_t bytes = p->p_memsz < sizeof(note) ? p->p_memsz : sizeof(note);

	if (p->p_type == PT_NOTE && !ret->build_id_bytes &&
	    present_read(m->pid, bias + p->p_vaddr, note, bytes))
		take_notes(note, bytes, ret);
}

/* The load bias of the object whose header is mapped at `start`. */
static bool read_headers(const struct present_maps *m, uint64_t start, uint64_t *ret_bias,
			 struct present_module *ret)
{
	ElfW(Ehdr) e;
	ElfW(Phdr) p[HEADERS_MAX];
	bool found = false;

	if (!present_read(m->pid, start, &e, sizeof(e)) || memcmp(e.e_ident, ELFMAG, SELFMAG) ||
	    e.e_phentsize != sizeof(p[0]) || !e.e_phnum || e.e_phnum > HEADERS_MAX ||
	    !present_read(m->pid, start + e.e_phoff, p, e.e_phnum * sizeof(p[0])))
		return false;
	for (unsigned i = 0; i < e.e_phnum && !found; i++) {
		found = p[i].p_type == PT_LOAD;
		*ret_bias = start - (p[i].p_vaddr - p[i].p_offset);
	}
	for (unsigned i = 0; found && i < e.e_phnum; i++)
		read_notes(m, *ret_bias, &p[i], ret);
	return found;
}

static struct base *base_of(struct present_maps *m, struct present *p, const struct map *head)
{
	struct present_module *to = &p->module[p->modules];
	struct base *b = &m->base[m->bases];

	for (unsigned i = 0; i < m->bases; i++)
		if (m->base[i].start == head->start)
			return &m->base[i];
	if (m->bases == PRESENT_MODULES || p->modules == PRESENT_MODULES ||
	    !read_headers(m, head->start, &b->bias, to))
		return NULL;
	snprintf(to->path, sizeof(to->path), "%s", head->path);
	b->start = head->start;
	b->module = p->modules++;
	m->bases++;
	return b;
}

void present_maps_place(struct present_maps *m, struct present *p, struct present_frame *f)
{
	/* A return address may be the first after a function that does not return. */
	const struct map *x = map_at(m, f->exact ? f->offset : f->offset - 1);
	const struct map *head = x && x->path ? head_of(m, x) : NULL;
	const struct base *b = NULL;

	if (head && !strcmp(head->path, x->path))
		b = base_of(m, p, head);
	if (!b)
		return;
	f->module = b->module;
	f->offset -= b->bias;
}

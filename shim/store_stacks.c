/* SPDX-License-Identifier: MIT */
/*
 * store_stacks.c - each distinct stack once, and the objects that its addresses lie in, found when
 * they are first needed (_dl_find_object takes no lock and may be called from a signal handler).
 */
#include <link.h>
#include <string.h>
#include "store.h"

#pragma weak _dl_find_object

struct key {
	const uint64_t *pc;
	unsigned depth;
	uint32_t hash, epoch;
};

static bool same_words(const uint64_t *a, const uint64_t *b, unsigned n)
{
	uint64_t differ = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

static bool same(uint32_t id, const void *key)
{
	const struct record_stack *s = store_stack_at(id);
	const struct key *k = key;

	return s->hash == k->hash && s->depth == k->depth && s->epoch == k->epoch &&
	       same_words(s->pc, k->pc, k->depth);
}

static uint32_t small[1024], middle[8192], big[131072];
static struct store_index index_ = {{{small, 1024, 0}, {middle, 8192, 0}, {big, 131072, 0}}, same};

/* ---- modules ----------------------------------------------------------------------------------
 */

static uint8_t note_build_id(const uint8_t *n, const uint8_t *stop, uint8_t *ret)
{
	while (n + sizeof(ElfW(Nhdr)) <= stop) {
		const ElfW(Nhdr) *h = (const void *)n;
		const uint8_t *name = n + sizeof(*h);
		const uint8_t *desc = name + ((h->n_namesz + 3u) & ~3u);

		if (desc + h->n_descsz > stop)
			return 0;
		if (h->n_type == NT_GNU_BUILD_ID && h->n_namesz == 4 && !memcmp(name, "GNU", 4) &&
		    h->n_descsz <= 20) {
			memcpy(ret, desc, h->n_descsz);
			return (uint8_t)h->n_descsz;
		}
		n = desc + ((h->n_descsz + 3u) & ~3u);
	}
	return 0;
}

/* The build-id of the object whose first page is mapped at `start`; 0 bytes if it has none. */
static uint8_t build_id(uint64_t start, uint64_t end, uint8_t *ret)
{
	const ElfW(Ehdr) *e = (const void *)start;
	const ElfW(Phdr) * p;
	uint8_t bytes = 0;

	if (memcmp(e->e_ident, ELFMAG, SELFMAG) || e->e_phentsize != sizeof(*p) ||
	    e->e_phoff + e->e_phnum * sizeof(*p) > RECORD_PAGE || start + RECORD_PAGE > end)
		return 0;
	p = (const void *)(start + e->e_phoff);
	for (unsigned i = 0; !bytes && i < e->e_phnum; i++) {
		const uint8_t *n = (const uint8_t *)start + p[i].p_offset;

		if (p[i].p_type == PT_NOTE && p[i].p_offset + p[i].p_filesz <= RECORD_PAGE)
			bytes = note_build_id(n, n + p[i].p_filesz, ret);
	}
	return bytes;
}

static struct record_module *find(uint64_t pc)
{
	struct record_module *m = store_part(PART_modules);
	uint64_t n = record_observe(&store.head->part[PART_modules].used);

	for (uint64_t i = n; i-- > 0;)
		if (pc >= m[i].start && pc < m[i].end && record_peek(&m[i].to) == UINT32_MAX)
			return &m[i];
	return NULL;
}

static void add(uint64_t start, uint64_t end, const struct link_map *l)
{
	uint32_t id = store_take_item(PART_modules, sizeof(struct record_module));
	struct record_module *m;

	if (!id) {
		store_missed(MISS_module_space);
		return;
	}
	m = (struct record_module *)store_part(PART_modules) + (id - 1);
	m->start = start;
	m->bias = l->l_addr;
	m->path =
		*l->l_name ? store_string(STRING_path, l->l_name, strlen(l->l_name)) : store_exe();
	m->build_id_bytes = build_id(start, end, m->build_id);
	m->from = store.head->epoch;
	m->to = UINT32_MAX;
	record_publish(&m->end, end); /* 0 until here: the entry matches no pc */
}

static void need(uint64_t pc)
{
	struct dl_find_object o;

	pc &= ~STACK_PC_EXACT;
	if (find(pc) || !_dl_find_object || _dl_find_object((void *)pc, &o))
		return;
	add((uint64_t)o.dlfo_map_start, (uint64_t)o.dlfo_map_end, o.dlfo_link_map);
}

/* glibc before 2.35: there is only the list, and it is locked; the constructor may read it. */
static int list_one(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct link_map l = {.l_addr = info->dlpi_addr,
			     .l_name = (char *)(uintptr_t)info->dlpi_name};
	uint64_t start = UINT64_MAX, end = 0;

	(void)size;
	(void)arg;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t a = info->dlpi_addr + (p->p_vaddr & ~(uint64_t)(RECORD_PAGE - 1));
		uint64_t z = info->dlpi_addr + p->p_vaddr + p->p_memsz;

		if (p->p_type != PT_LOAD)
			continue;
		start = a < start ? a : start;
		end = z > end ? z : end;
	}
	if (start < end && !find(start))
		add(start, end, &l);
	return 0;
}

START_CODE void store_modules_list(void)
{
	if (!_dl_find_object)
		dl_iterate_phdr(list_one, NULL);
}

bool store_modules_check(void)
{
	struct record_module *m = store_part(PART_modules);
	uint64_t n = record_observe(&store.head->part[PART_modules].used);
	uint32_t next = store.head->epoch + 1;
	bool gone = false;

	for (uint64_t i = 0; _dl_find_object && i < n; i++) {
		struct dl_find_object o;

		if (m[i].to != UINT32_MAX || !m[i].end)
			continue;
		if (!_dl_find_object((void *)m[i].start, &o) &&
		    (uint64_t)o.dlfo_map_end == m[i].end)
			continue;
		record_poke(&m[i].to, next);
		gone = true;
	}
	if (gone)
		record_publish(&store.head->epoch, next); /* after the modules it ends */
	return gone;
}

void store_modules_exec(void)
{
	struct record_module *m = store_part(PART_modules);
	uint32_t next = store.head->epoch + 1;

	for (uint64_t i = 0; i < store.head->part[PART_modules].used; i++)
		if (m[i].to == UINT32_MAX)
			m[i].to = next;
	store.head->epoch = next;
}

/* ---- stacks -----------------------------------------------------------------------------------
 */

static uint32_t put(const struct key *k, unsigned flags)
{
	size_t pcs = k->depth * sizeof(k->pc[0]);
	uint64_t offset = store_take(PART_stacks, sizeof(struct record_stack) + pcs);
	struct record_stack *s;

	if (!offset) {
		store_missed(MISS_stack_space);
		return 0;
	}
	for (unsigned i = 0; i < k->depth; i++)
		need(k->pc[i]);
	s = store_stack_at((uint32_t)(offset / 8));
	s->hash = k->hash;
	s->depth = (uint16_t)k->depth;
	s->flags = (uint16_t)flags;
	s->epoch = k->epoch;
	memcpy(s->pc, k->pc, pcs);
	if (flags)
		store_missed(flags & STACK_CUT ? MISS_stack_cut : MISS_stack_lost);
	return (uint32_t)(offset / 8);
}

uint32_t store_stack(const uint64_t *pc, unsigned depth, unsigned flags, uint32_t hash)
{
	struct key k = {.pc = pc, .depth = depth, .epoch = record_observe(&store.head->epoch)};
	uint32_t *place;
	uint32_t id;

	k.hash = hash ^ k.epoch * 0x9e3779b1u;
	for (;;) {
		id = store_index_find(&index_, k.hash, &k, &place);
		if (id)
			return id;
		id = put(&k, flags);
		if (!id || !place)
			return id;
		id = store_index_add(&index_, place, k.hash, id, &k);
		if (id)
			return id;
	}
}

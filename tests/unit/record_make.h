/* SPDX-License-Identifier: MIT */
/*
 * record_make.h - makes records for tests, part by part, in memory, and writes them to a session
 * directory. Nothing here reads a record: what it makes is held against include/record.h alone.
 */
#ifndef TEST_RECORD_MAKE_H
#define TEST_RECORD_MAKE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "calls.h"
#include "record.h"

#define MAKE_PAGES 15 /* the header, one page a part, two for the strings and the stacks */
#define MAKE_CREATED 1000000000ull       /* CLOCK_MONOTONIC of its creation */
#define MAKE_REAL 1700000000000000000ull /* the same instant on the wall clock */
#define MAKE_BASE 0x7f0000000000ull      /* where make_module() loads, unless told otherwise */

struct make {
	unsigned char image[MAKE_PAGES * RECORD_PAGE] __attribute__((aligned(64)));
};

static inline struct record_header *make_head(struct make *m)
{
	return (struct record_header *)(void *)m->image;
}

static inline void *make_part(struct make *m, enum record_part_id id)
{
	return m->image + make_head(m)->part[id].offset_bytes;
}

/* A process that nobody saw end, and that no living process can be taken for. */
static inline void make_begin(struct make *m, uint32_t pid, const char *comm)
{
	struct record_header *h = make_head(m);
	uint64_t at = RECORD_PAGE;

	memset(m, 0, sizeof(*m));
	memcpy(h->magic, RECORD_MAGIC, sizeof(h->magic));
	h->version = RECORD_VERSION;
	h->header_bytes = sizeof(*h);
	h->file_bytes = sizeof(m->image);
	h->calls = CALL_COUNT;
	h->state = STATE_running;
	h->pid = pid;
	h->ppid = 1;
	h->created_ns = MAKE_CREATED;
	h->created_real_ns = MAKE_REAL;
	h->image_no = 1;
	h->end_status = -1;
	h->series_width_ns = 1000000000;
	strncpy(h->comm, comm, sizeof(h->comm) - 1);
	for (unsigned i = 0; i < PART_COUNT; i++) {
		uint64_t pages = i == PART_strings || i == PART_stacks ? 2 : 1;

		h->part[i] = (struct record_part){.offset_bytes = at,
						  .size_bytes = pages * RECORD_PAGE,
						  .real_bytes = pages * RECORD_PAGE};
		at += pages * RECORD_PAGE;
	}
	h->part[PART_strings].used = h->part[PART_stacks].used = 8;
}

static inline void make_exit(struct make *m, uint64_t after_ns, int32_t status)
{
	make_head(m)->state = STATE_exited;
	make_head(m)->end_ns = MAKE_CREATED + after_ns;
	make_head(m)->end_status = status;
}

/* ---- content: each returns the id or the 1 + index that the record uses ------------------------
 */

static inline uint32_t make_bytes(struct make *m, uint8_t type, const void *data, size_t bytes)
{
	struct record_part *p = &make_head(m)->part[PART_strings];
	struct record_string *s = (void *)((unsigned char *)make_part(m, PART_strings) + p->used);
	uint32_t id = (uint32_t)(p->used / 8);

	s->bytes = (uint16_t)bytes;
	s->type = type;
	memcpy(s->data, data, bytes);
	p->used += (sizeof(*s) + bytes + 7) & ~7ull;
	return id;
}

static inline uint32_t make_path(struct make *m, const char *path)
{
	return make_bytes(m, STRING_path, path, strlen(path));
}

static inline void *make_item(struct make *m, enum record_part_id id, size_t bytes)
{
	struct record_part *p = &make_head(m)->part[id];

	return (unsigned char *)make_part(m, id) + p->used++ * bytes;
}

static inline struct record_module *make_module(struct make *m, const char *path, uint64_t base)
{
	struct record_module *x = make_item(m, PART_modules, sizeof(*x));

	*x = (struct record_module){.start = base,
				    .end = base + 0x10000,
				    .bias = base,
				    .path = make_path(m, path),
				    .to = UINT32_MAX};
	return x;
}

static inline uint32_t make_stack(struct make *m, const uint64_t *pc, uint16_t depth)
{
	struct record_part *p = &make_head(m)->part[PART_stacks];
	struct record_stack *s = (void *)((unsigned char *)make_part(m, PART_stacks) + p->used);
	uint32_t id = (uint32_t)(p->used / 8);

	s->depth = depth;
	memcpy(s->pc, pc, depth * sizeof(*pc));
	p->used += sizeof(*s) + depth * sizeof(*pc);
	return id;
}

/* A stack of two frames in the module at `base`. */
static inline uint32_t make_stack_at(struct make *m, uint64_t base, uint64_t offset)
{
	const uint64_t pc[2] = {base + offset, base + 0x9000};

	return make_stack(m, pc, 2);
}

static inline uint32_t make_site(struct make *m, struct record_site s)
{
	struct record_site *x = make_item(m, PART_sites, sizeof(*x));

	*x = s;
	return (uint32_t)make_head(m)->part[PART_sites].used;
}

static inline uint32_t make_facts(struct make *m, struct record_facts f)
{
	struct record_facts *x = make_item(m, PART_facts, sizeof(*x));

	*x = f;
	return (uint32_t)make_head(m)->part[PART_facts].used;
}

static inline uint32_t make_mode(struct make *m, struct record_mode x)
{
	struct record_mode *to = make_item(m, PART_modes, sizeof(*to));

	*to = x;
	return (uint32_t)make_head(m)->part[PART_modes].used;
}

static inline void make_shared(struct make *m, struct record_shared x)
{
	struct record_shared *to = make_item(m, PART_shared, sizeof(*to));

	*to = x;
}

static inline void make_event(struct make *m, struct record_event e)
{
	struct record_event *x = make_item(m, PART_ring, sizeof(*x));

	*x = e;
	x->seq = make_head(m)->part[PART_ring].used;
}

/* fd < RECORD_CHUNK_FDS */
static inline void make_slot(struct make *m, int fd, struct record_slot s)
{
	struct record_slot *x = make_part(m, PART_slots);

	*(uint32_t *)make_part(m, PART_chunks) = 1;
	make_head(m)->part[PART_slots].used = 1;
	s.seq = 2;
	x[fd] = s;
}

static inline void make_image(struct make *m, const char *exe, const char *argv)
{
	struct record_image *x = make_item(m, PART_images, sizeof(*x));

	x->exe = make_path(m, exe);
	x->argv = make_bytes(m, STRING_text, argv, strlen(argv));
}

/* ---- files ------------------------------------------------------------------------------------
 */

static inline int make_file(const char *dir, const char *name, const void *data, size_t bytes)
{
	char path[256];
	FILE *f;
	int bad;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f)
		return -1;
	bad = fwrite(data, 1, bytes, f) != bytes;
	return fclose(f) || bad ? -1 : 0;
}

static inline int make_save(struct make *m, const char *dir, const char *name)
{
	return make_file(dir, name, m->image, sizeof(m->image));
}

#endif

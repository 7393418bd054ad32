/* SPDX-License-Identifier: MIT */
/*
 * model_merge.c - the same place in the program is one entry, whatever process it ran in and
 * wherever it was loaded: stacks become lists of (module, file address).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "record_read.h"
#include "util.h"

/* Takes `path` over. */
static uint32_t module_named(struct model *m, char *path, const uint8_t *build_id, uint8_t bytes)
{
	struct model_module *x;

	for (uint32_t i = 0; i < m->modules_count; i++) {
		x = &m->modules[i];
		if (x->build_id_bytes == bytes && !memcmp(x->build_id, build_id, bytes) &&
		    (path ? x->path && !strcmp(path, x->path) : !x->path)) {
			free(path);
			return i;
		}
	}
	x = UTIL_PUSH(m->modules, m->modules_count, m->modules_room);
	x->path = path;
	x->build_id_bytes = bytes;
	memcpy(x->build_id, build_id, bytes);
	return (uint32_t)m->modules_count - 1;
}

static uint32_t module_at(struct model *m, const struct record *r, const struct record_module *in)
{
	return module_named(m, record_text(r, in->path), in->build_id, in->build_id_bytes);
}

static struct model_frame frame_of(struct model *m, const struct record *r, uint64_t pc,
				   uint32_t epoch)
{
	struct model_frame f = {.exact = (pc & STACK_PC_EXACT) != 0};
	const struct record_module *in;

	pc &= ~STACK_PC_EXACT;
	in = record_module_at(r, pc, epoch);
	f.module = in ? module_at(m, r, in) : MODEL_NONE;
	f.offset = in ? pc - in->bias : pc;
	return f;
}

static bool same_frames(const struct model *m, const struct model_stack *s,
			const struct model_frame *f, uint32_t depth)
{
	const struct model_frame *have = &m->frames[s->first];

	if (s->depth != depth)
		return false;
	for (uint32_t i = 0; i < depth; i++)
		if (have[i].module != f[i].module || have[i].offset != f[i].offset)
			return false;
	return true;
}

static void index_grow(struct model *m)
{
	size_t size = m->stack_index_size ? m->stack_index_size * 2 : 1024;

	free(m->stack_index);
	m->stack_index = util_alloc(size, sizeof(uint32_t));
	m->stack_index_size = size;
	for (uint32_t i = 0; i < m->stacks_count; i++) {
		size_t at = m->stacks[i].hash & (size - 1);

		while (m->stack_index[at])
			at = (at + 1) & (size - 1);
		m->stack_index[at] = i + 1;
	}
}

static uint32_t intern(struct model *m, const struct model_frame *f, uint32_t depth, uint32_t flags)
{
	uint32_t hash = util_hash(&depth, sizeof(depth), 0);
	struct model_stack *s;
	size_t at;

	for (uint32_t i = 0; i < depth; i++) {
		hash = util_hash(&f[i].module, sizeof(f[i].module), hash);
		hash = util_hash(&f[i].offset, sizeof(f[i].offset), hash);
	}
	if (m->stacks_count * 2 >= m->stack_index_size)
		index_grow(m);
	at = hash & (m->stack_index_size - 1);
	for (; m->stack_index[at]; at = (at + 1) & (m->stack_index_size - 1))
		if (same_frames(m, &m->stacks[m->stack_index[at] - 1], f, depth))
			return m->stack_index[at] - 1;
	m->stack_index[at] = (uint32_t)m->stacks_count + 1;
	s = UTIL_PUSH(m->stacks, m->stacks_count, m->stacks_room);
	*s = (struct model_stack){
		.first = (uint32_t)m->frames_count, .depth = depth, .flags = flags, .hash = hash};
	for (uint32_t i = 0; i < depth; i++)
		*UTIL_PUSH(m->frames, m->frames_count, m->frames_room) = f[i];
	return (uint32_t)m->stacks_count - 1;
}

uint32_t model_stack(struct model *m, const struct record *r, uint32_t id)
{
	const struct record_stack *s = record_stack(r, id);
	struct model_frame f[RECORD_STACK_MAX];

	if (!s)
		return MODEL_NONE;
	for (uint32_t i = 0; i < s->depth; i++)
		f[i] = frame_of(m, r, s->pc[i], s->epoch);
	return intern(m, f, s->depth, s->flags);
}

/* The wrappers of our own library are nothing the program did. */
static bool is_ours(const struct present *p, const struct present_frame *f)
{
	const char *path = f->module < p->modules ? p->module[f->module].path : "";
	const char *slash = strrchr(path, '/');

	return slash && !strncmp(slash + 1, "libfdwhy.so", 11);
}

uint32_t model_stack_present(struct model *m, const struct present *p,
			     const struct present_thread *t)
{
	struct model_frame f[PRESENT_FRAMES];
	uint32_t depth = 0;

	for (uint32_t i = 0; i < t->depth && i < PRESENT_FRAMES; i++) {
		const struct present_frame *x = &t->frame[i];
		const struct present_module *in = &p->module[x->module % PRESENT_MODULES];

		if (is_ours(p, x))
			continue;
		f[depth].module = x->module < p->modules
					  ? module_named(m, util_clean(util_copy(in->path)),
							 in->build_id, in->build_id_bytes)
					  : MODEL_NONE;
		f[depth].exact = x->exact;
		f[depth++].offset = x->offset;
	}
	return depth ? intern(m, f, depth, t->flags) : MODEL_NONE;
}

void model_pid_add(struct model_pids *p, int pid)
{
	for (size_t i = p->count; i-- > 0;)
		if (p->pid[i] == pid)
			return;
	*UTIL_PUSH(p->pid, p->count, p->room) = pid;
}

void model_cover(struct model *m, int pid, uint64_t count, const char *format, ...)
{
	char text[512];
	struct model_coverage *c;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	util_clean(text); /* names of files that anybody may have put there */
	for (size_t i = 0; i < m->coverage_count; i++) {
		c = &m->coverage[i];
		if (c->pid == pid && !strcmp(c->what, text)) {
			c->count += count;
			return;
		}
	}
	c = UTIL_PUSH(m->coverage, m->coverage_count, m->coverage_room);
	*c = (struct model_coverage){.pid = pid, .what = util_copy(text), .count = count};
}

struct model_eagain *model_eagain_at(struct model *m, uint16_t call, uint16_t error, uint32_t stack)
{
	bool limit = error != 11;
	struct model_eagain *list = limit ? m->limits : m->eagains, *e;
	size_t n = limit ? m->limits_count : m->eagains_count;

	for (size_t i = 0; i < n; i++)
		if (list[i].call == call && list[i].error == error && list[i].stack == stack)
			return &list[i];
	e = limit ? UTIL_PUSH(m->limits, m->limits_count, m->limits_room)
		  : UTIL_PUSH(m->eagains, m->eagains_count, m->eagains_room);
	*e = (struct model_eagain){.call = call,
				   .error = error,
				   .stack = stack,
				   .mode_stack = MODEL_NONE,
				   .listener = MODEL_NONE,
				   .present = MODEL_NONE};
	return e;
}

struct model_fds *model_fds_at(struct model *m, uint16_t call, uint32_t stack)
{
	struct model_fds *f;

	for (size_t i = 0; i < m->fds_count; i++)
		if (m->fds[i].call == call && m->fds[i].stack == stack)
			return &m->fds[i];
	f = UTIL_PUSH(m->fds, m->fds_count, m->fds_room);
	*f = (struct model_fds){.call = call, .stack = stack};
	return f;
}

struct model_misuse *model_misuse_at(struct model *m, uint16_t call, uint16_t error, uint32_t stack)
{
	struct model_misuse *x;

	for (size_t i = 0; i < m->misuses_count; i++)
		if (m->misuses[i].call == call && m->misuses[i].error == error &&
		    m->misuses[i].stack == stack)
			return &m->misuses[i];
	x = UTIL_PUSH(m->misuses, m->misuses_count, m->misuses_room);
	*x = (struct model_misuse){.call = call,
				   .error = error,
				   .stack = stack,
				   .birth_stack = MODEL_NONE,
				   .death_stack = MODEL_NONE};
	return x;
}

void model_target_add(struct model_fds *f, const char *target)
{
	if (!target || f->target_count == MODEL_TARGETS)
		return;
	for (size_t i = 0; i < f->target_count; i++)
		if (!strcmp(f->targets[i], target))
			return;
	f->targets[f->target_count++] = util_copy(target);
}

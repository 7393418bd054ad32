/* SPDX-License-Identifier: MIT */
/* sweep_sites.c - the places that a test reaches, and which errors to fail them with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "call_errors.h"
#include "names.h"
#include "out_page.h"
#include "rules_parse.h"
#include "stack_key.h"
#include "sweep.h"
#include "util.h"

uint64_t sweep_stack_key(const struct model *m, uint32_t stack)
{
	const struct model_stack *k = stack == MODEL_NONE ? NULL : &m->stacks[stack];
	uint64_t key;

	if (!k || !k->depth)
		return 0;
	key = stack_key_begin(k->depth);
	for (uint32_t i = 0; i < k->depth; i++) {
		const struct model_frame *f = &m->frames[k->first + i];
		bool in = f->module != MODEL_NONE;

		key = stack_key_add(key, in ? out_page_base(m->modules[f->module].path) : "",
				    in ? f->offset : 0);
	}
	return stack_key_end(key);
}

char *sweep_stack_text(const struct model *m, struct symbols *y, uint32_t stack)
{
	const struct out_options o = {.name = ""};
	struct out_page p = {.m = m, .s = y, .o = &o};
	char *text = NULL;
	size_t n;

	p.to = open_memstream(&text, &n);
	if (!p.to)
		return util_copy("");
	out_page_stack(&p, stack);
	fclose(p.to);
	return text;
}

static struct sweep_site *site_at(struct sweep *s, uint16_t call, uint64_t key)
{
	for (size_t i = 0; i < s->sites_count; i++)
		if (s->sites[i].call == call && s->sites[i].key == key)
			return &s->sites[i];
	return NULL;
}

void sweep_sites_add(struct sweep *s, const struct model *m, struct symbols *y)
{
	for (size_t i = 0; i < m->actions_count; i++) {
		const struct model_action *a = &m->actions[i];
		uint64_t key = sweep_stack_key(m, a->stack);
		struct sweep_site *x;

		if (a->error != RECORD_ERROR_NOTE || !key || site_at(s, a->call, key))
			continue;
		x = UTIL_PUSH(s->sites, s->sites_count, s->sites_room);
		*x = (struct sweep_site){.call = a->call,
					 .kind = a->kind,
					 .key = key,
					 .count = a->count,
					 .target = a->target ? util_copy(a->target) : NULL,
					 .stack = sweep_stack_text(m, y, a->stack)};
	}
}

/* ---- errors -----------------------------------------------------------------------------------
 */

static bool is_one_of(int error, const int *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == error)
			return true;
	return false;
}

/* A full disk is nothing that a socket can have, nor is a reset connection one of files. */
static bool is_likely(int error, uint8_t kind)
{
	static const int network[] = {ECONNRESET,  ENOTCONN,     ECONNREFUSED, ETIMEDOUT,
				      ENETUNREACH, EHOSTUNREACH, ENETDOWN,     ENOBUFS,
				      EMSGSIZE,    EDESTADDRREQ, EISCONN,      EALREADY};
	static const int storage[] = {EIO, ENOSPC, EDQUOT, EFBIG, EISDIR, EROFS};
	bool stored = kind == KIND_file || kind == KIND_dir || kind == KIND_device;
	bool piped = kind == KIND_pipe_read || kind == KIND_pipe_write || kind == KIND_fifo;

	if (error == EAGAIN || error == EINTR)
		return false; /* on what blocks, and without a handler, they do not happen */
	if (kind == KIND_unknown)
		return true;
	if (stored)
		return error != EPIPE && !is_one_of(error, network, sizeof(network) / sizeof(int));
	if (piped && is_one_of(error, network, sizeof(network) / sizeof(int)))
		return false;
	return !is_one_of(error, storage, sizeof(storage) / sizeof(int));
}

static bool is_listed(const char *names, int error)
{
	for (const char *at = names; *at; at += strcspn(at, ","), at += *at == ',')
		if (rules_error_number(at, strcspn(at, ",")) == error)
			return true;
	return false;
}

/* ---- cases ------------------------------------------------------------------------------------
 */

static void add_case(struct sweep *s, uint32_t a, int error_a, uint32_t b, int error_b)
{
	struct sweep_case *c = UTIL_PUSH(s->cases, s->cases_count, s->cases_room);

	*c = (struct sweep_case){.site = {a, b}, .error = {error_a, error_b}};
}

static int first_error(const struct sweep_site *x)
{
	size_t n;
	const int *errors = call_errors(x->call, &n);

	for (size_t i = 0; i < n; i++)
		if (is_likely(errors[i], x->kind))
			return errors[i];
	return n ? errors[0] : 0;
}

static void plan_site(struct sweep *s, uint32_t site)
{
	const struct sweep_site *x = &s->sites[site];
	bool all = !strcmp(s->o.errors, "all");
	size_t n;
	const int *errors = call_errors(x->call, &n);

	if (!strcmp(s->o.errors, "first")) {
		if (n)
			add_case(s, site, first_error(x), 0, 0);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (all || is_listed(s->o.errors, errors[i]))
			add_case(s, site, errors[i], 0, 0);
}

void sweep_plan(struct sweep *s, size_t first)
{
	for (size_t i = first; i < s->sites_count; i++)
		plan_site(s, (uint32_t)i);
}

static bool is_planned(const struct sweep *s, uint32_t a, uint32_t b)
{
	for (size_t i = 0; i < s->cases_count; i++) {
		const struct sweep_case *c = &s->cases[i];

		if (c->error[1] &&
		    ((c->site[0] == a && c->site[1] == b) || (c->site[0] == b && c->site[1] == a)))
			return true;
	}
	return false;
}

void sweep_plan_pairs(struct sweep *s, size_t at, const struct model *m)
{
	const uint32_t a = s->cases[at].site[0];
	const int error = s->cases[at].error[0];

	for (size_t i = 0; i < m->actions_count; i++) {
		const struct model_action *x = &m->actions[i];
		struct sweep_site *b = site_at(s, x->call, sweep_stack_key(m, x->stack));
		uint32_t other;

		if (x->error != RECORD_ERROR_NOTE || !b)
			continue;
		other = (uint32_t)(b - s->sites);
		if (other != a && !is_planned(s, a, other) && first_error(b))
			add_case(s, a, error, other, first_error(b));
	}
}

static char *half_name(const struct sweep *s, const struct sweep_case *c, unsigned i)
{
	const struct sweep_site *x = &s->sites[c->site[i]];

	return util_format("%s:%s:%016llx", call_name(x->call), rules_error_name(c->error[i]),
			   (unsigned long long)x->key);
}

char *sweep_case_name(const struct sweep *s, const struct sweep_case *c)
{
	char *one = half_name(s, c, 0), *two, *both;

	if (!c->error[1])
		return one;
	two = half_name(s, c, 1);
	both = util_format("%s+%s", one, two);
	free(one);
	free(two);
	return both;
}

void sweep_free(struct sweep *s)
{
	for (size_t i = 0; i < s->sites_count; i++) {
		free(s->sites[i].target);
		free(s->sites[i].stack);
	}
	for (size_t i = 0; i < s->cases_count; i++) {
		for (size_t k = 0; k < s->cases[i].findings_count; k++) {
			free(s->cases[i].findings[k].text);
			free(s->cases[i].findings[k].stack);
		}
		free(s->cases[i].findings);
	}
	free(s->sites);
	free(s->cases);
	free(s->base.opens);
	if (s->results)
		fclose(s->results);
}

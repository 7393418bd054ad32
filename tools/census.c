/* SPDX-License-Identifier: MIT */
/* census.c - see census.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "census.h"
#include "names.h"
#include "util.h"

bool census_counts(const struct model *m, const struct model_process *p)
{
	return m->live ? p->how == HOW_running : !p->continued_elsewhere && !p->totals_only;
}

/* ---- growth -----------------------------------------------------------------------------------
 */

/* One process: how many it had open at equal distances in time. */
struct past {
	uint64_t start_ns, end_ns, width_ns;
	uint32_t h[RECORD_SERIES];
	unsigned n;
};

static void find_past(const struct model *m, const struct model_process *p, struct past *ret)
{
	uint32_t series[RECORD_SERIES];

	ret->start_ns = p->start_ns;
	ret->end_ns = p->how == HOW_running ? m->now_ns : p->end_ns ? p->end_ns : m->last_ns;
	ret->width_ns = p->series_width_ns;
	for (unsigned i = 0; i < RECORD_SERIES; i++)
		series[i] = p->series_open[i] ? p->series_open[i] + 1 : 0;
	ret->n = verdict_history(series,
				 ret->end_ns > ret->start_ns ? ret->end_ns - ret->start_ns : 0,
				 p->fds_open, &ret->width_ns, ret->h);
}

static uint32_t open_at(const struct past *x, uint64_t ns)
{
	uint64_t i;

	if (ns < x->start_ns || ns > x->end_ns || !x->width_ns || !x->n)
		return 0;
	i = (ns - x->start_ns) / x->width_ns;
	return x->h[i < x->n ? i : x->n - 1];
}

/* The sum over all processes of one command (NULL: all), at equal distances over the session. */
static void find_sum(const struct model *m, const struct past *past, const char *comm,
		     struct verdict_trend *ret)
{
	uint64_t end = m->live ? m->now_ns : m->last_ns;
	uint64_t width = end > m->start_ns ? (end - m->start_ns) / RECORD_SERIES : 0;
	uint32_t h[RECORD_SERIES] = {0};

	for (size_t i = 0; i < m->processes_count; i++) {
		if (comm && strcmp(comm, m->processes[i].comm))
			continue;
		for (unsigned k = 0; k < RECORD_SERIES; k++)
			h[k] += open_at(&past[i], m->start_ns + k * width + width / 2);
	}
	verdict_trend(h, RECORD_SERIES, width, ret);
}

uint64_t census_left_ns(uint64_t used, uint64_t limit, double slope_per_hour)
{
	if (limit <= used || slope_per_hour < 0.001)
		return 0;
	return (uint64_t)((double)(limit - used) / slope_per_hour * 3.6e12);
}

static void set_trend(struct census_row *r, const struct verdict_trend *t)
{
	bool known = t->points >= 4 && t->confidence >= 0.5;

	r->slope_per_hour = known ? t->slope_per_hour : 0;
	r->confidence = t->confidence;
	r->left_ns = census_left_ns(r->open, r->soft, r->slope_per_hour);
}

/* ---- rows -------------------------------------------------------------------------------------
 */

static void read_limits(const struct model_process *p, struct census_row *r)
{
	char path[64], text[4096];
	const char *line;
	unsigned long long soft = 0, hard = 0;

	r->soft = p->nofile_soft;
	r->hard = p->nofile_hard;
	snprintf(path, sizeof(path), "/proc/%d/limits", p->pid);
	if (p->how != HOW_running || util_read_file(path, text, sizeof(text)) <= 0)
		return;
	line = strstr(text, "Max open files");
	if (line && sscanf(line, "Max open files %llu %llu", &soft, &hard) == 2) {
		r->soft = soft;
		r->hard = hard;
	}
}

static struct census_row *row_of(struct census_row **rows, size_t *count, size_t *room,
				 const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (!strcmp((*rows)[i].name, name))
			return &(*rows)[i];
	*UTIL_PUSH(*rows, *count, *room) = (struct census_row){.name = name};
	return &(*rows)[*count - 1];
}

static void count_processes(const struct model *m, const struct past *past, struct census *c)
{
	uint64_t *open = util_alloc(m->processes_count + 1, sizeof(*open));

	for (size_t i = 0; i < m->opens_count; i++)
		open[m->opens[i].process]++;
	for (uint32_t i = 0; i < m->processes_count; i++) {
		const struct model_process *p = &m->processes[i];
		struct verdict_trend t;
		struct census_row *r;

		if (!census_counts(m, p))
			continue;
		verdict_trend(past[i].h, past[i].n, past[i].width_ns, &t);
		r = UTIL_PUSH(c->process, c->process_count, c->process_room);
		*r = (struct census_row){.name = p->comm, .process = i, .open = open[i]};
		read_limits(p, r);
		set_trend(r, &t);
		r = row_of(&c->command, &c->command_count, &c->command_room, p->comm);
		r->processes++;
		r->open += open[i];
		c->open += open[i];
		c->processes++;
	}
	free(open);
}

/* ---- kinds and targets --------------------------------------------------------------------------
 */

struct named {
	uint8_t kind;
	const char *name;
};

static int by_kind_and_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return x->kind != y->kind ? x->kind - y->kind : strcmp(x->name, y->name);
}

static void add_target(struct census_row *r, const char *name, uint64_t open)
{
	struct census_target t = {name, open};

	r->open += open;
	if (!*name)
		return;
	r->targets++;
	for (size_t i = 0; i < CENSUS_TARGETS; i++)
		if (t.open > r->target[i].open) {
			struct census_target less = r->target[i];

			r->target[i] = t;
			t = less;
		}
}

/* A file becomes its directory and a star, an address its host and a star; NULL when neither. */
static char *coarse(const char *name)
{
	const char *end = strrchr(name, *name == '/' ? '/' : ':');

	return end ? util_format("%.*s*", (int)(end - name + 1), name) : NULL;
}

/* Of a kind whose targets are nearly all different, where they are says more. */
static void coarsen(struct census *c, struct named *list, size_t n)
{
	size_t distinct = n > 0;

	for (size_t i = 1; i < n; i++)
		distinct += by_kind_and_name(&list[i - 1], &list[i]) != 0;
	if (distinct <= CENSUS_TARGETS || distinct * 2 < n)
		return;
	for (size_t i = 0; i < n; i++) {
		char *name = coarse(list[i].name);

		if (!name)
			continue;
		*UTIL_PUSH(c->names, c->name_count, c->name_room) = name;
		list[i].name = name;
	}
	qsort(list, n, sizeof(*list), by_kind_and_name);
}

static void count_kind(struct census *c, struct named *list, size_t n)
{
	struct census_row *r =
		row_of(&c->kind, &c->kind_count, &c->kind_room, names_kind(list->kind));
	size_t k;

	coarsen(c, list, n);
	for (size_t i = 0; i < n; i = k) {
		for (k = i; k < n && !by_kind_and_name(&list[i], &list[k]);)
			k++;
		add_target(r, list[i].name, k - i);
	}
}

static void count_kinds(const struct model *m, struct census *c)
{
	struct named *list = util_alloc(m->opens_count + 1, sizeof(*list));
	size_t n = 0, k;

	for (size_t i = 0; i < m->opens_count; i++)
		if (census_counts(m, &m->processes[m->opens[i].process]))
			list[n++] = (struct named){m->opens[i].kind,
						   m->opens[i].target ? m->opens[i].target : ""};
	if (n)
		qsort(list, n, sizeof(*list), by_kind_and_name);
	for (size_t i = 0; i < n; i = k) {
		for (k = i; k < n && list[i].kind == list[k].kind;)
			k++;
		count_kind(c, &list[i], k - i);
	}
	free(list);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static int most_open(const void *a, const void *b)
{
	const struct census_row *x = a, *y = b;

	return (x->open < y->open) - (x->open > y->open);
}

static void finish(struct census_row *rows, size_t count, uint64_t all)
{
	for (size_t i = 0; i < count; i++)
		rows[i].share = all ? (double)rows[i].open / (double)all : 0;
	if (count)
		qsort(rows, count, sizeof(*rows), most_open);
}

static void read_system(struct census *c)
{
	char text[128];
	unsigned long long nr, max;

	if (util_read_file("/proc/sys/fs/file-nr", text, sizeof(text)) > 0 &&
	    sscanf(text, "%llu %*u %llu", &nr, &max) == 2) {
		c->file_nr = nr;
		c->file_max = max;
	}
}

void census_take(const struct model *m, struct census *ret)
{
	struct past *past = util_alloc(m->processes_count + 1, sizeof(*past));
	struct verdict_trend t;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < m->processes_count; i++)
		find_past(m, &m->processes[i], &past[i]);
	count_processes(m, past, ret);
	for (size_t i = 0; i < ret->command_count; i++) {
		find_sum(m, past, ret->command[i].name, &t);
		set_trend(&ret->command[i], &t);
	}
	find_sum(m, past, NULL, &t);
	ret->all = (struct census_row){.open = ret->open, .processes = ret->processes, .share = 1};
	set_trend(&ret->all, &t);
	count_kinds(m, ret);
	finish(ret->process, ret->process_count, ret->open);
	finish(ret->command, ret->command_count, ret->open);
	finish(ret->kind, ret->kind_count, ret->open);
	read_system(ret);
	if (m->live && ret->file_max < CENSUS_NO_LIMIT)
		ret->all.left_ns =
			census_left_ns(ret->file_nr, ret->file_max, ret->all.slope_per_hour);
	free(past);
}

void census_free(struct census *c)
{
	for (size_t i = 0; i < c->name_count; i++)
		free(c->names[i]);
	free(c->names);
	free(c->process);
	free(c->command);
	free(c->kind);
}

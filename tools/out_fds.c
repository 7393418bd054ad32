/* SPDX-License-Identifier: MIT */
/*
 * out_fds.c - one screen that says who has what open: one process or many, what kind, where, and
 * how long until a limit. As text, or the same as JSON.
 */
#include <stdlib.h>
#include <string.h>
#include "census.h"
#include "json_add.h"
#include "names.h"
#include "out.h"
#include "term.h"
#include "util.h"

#define ROWS_SHOWN 4

static size_t shown(size_t count, const struct out_options *o)
{
	return o->all || count <= ROWS_SHOWN ? count : ROWS_SHOWN;
}

static void more(FILE *to, size_t count, size_t rows)
{
	if (count > rows)
		fprintf(to, "        %s... %zu more%s\n", term_on(TERM_dim), count - rows,
			term_off());
}

/* ---- the parts of the screen --------------------------------------------------------------------
 */

static const char *rate(const struct census_row *r)
{
	static char ring[4][32];
	static unsigned at;
	char *s = ring[at++ % 4];

	if (r->slope_per_hour >= 0.05 || r->slope_per_hour <= -0.05)
		snprintf(s, sizeof(ring[0]), "%+.*f",
			 r->slope_per_hour > 10 || r->slope_per_hour < -10 ? 0 : 1,
			 r->slope_per_hour);
	else
		snprintf(s, sizeof(ring[0]), "0");
	return s;
}

static void print_head(FILE *to, const struct model *m, const struct census *c,
		       const struct out_options *o)
{
	fprintf(to, "%sfdwhy: %s%s\n", term_on(TERM_bold), m->command ? m->command : o->name,
		term_off());
	fprintf(to, "%llu fds open %s in %llu process%s, %s an hour", (unsigned long long)c->open,
		m->live ? "now" : "at the end", (unsigned long long)c->processes,
		util_plural(c->processes, "es"), rate(&c->all));
	if (c->file_max >= CENSUS_NO_LIMIT)
		fprintf(to, "; system: %llu open files, no limit\n",
			(unsigned long long)c->file_nr);
	else if (c->file_max)
		fprintf(to, "; system: %llu of %llu open files%s%s\n",
			(unsigned long long)c->file_nr, (unsigned long long)c->file_max,
			c->all.left_ns ? ", full in " : "",
			c->all.left_ns ? util_duration(c->all.left_ns) : "");
	else
		fputc('\n', to);
}

/* One process or many? */
static void print_spread(FILE *to, const struct model *m, const struct census *c)
{
	const struct census_row *p = c->process, *k = c->command;

	if (!c->process_count || !c->open)
		return;
	if (c->process_count == 1)
		fprintf(to, "One process");
	else if (p->share >= 0.5)
		fprintf(to, "Mostly one process: %s %d has %.0f %%", p->name,
			m->processes[p->process].pid, p->share * 100);
	else
		fprintf(to, "Many processes: none has more than %.0f %%", p->share * 100);
	if (c->process_count > 1 && k->processes > 1)
		fprintf(to, "; %llu %s together %.0f %%", (unsigned long long)k->processes, k->name,
			k->share * 100);
	fputc('\n', to);
}

static void print_processes(FILE *to, const struct model *m, const struct census *c,
			    const struct out_options *o)
{
	size_t n = shown(c->process_count, o);

	fprintf(to, "\n%7s %-16s %8s %6s %9s %17s %5s  %s\n", "PID", "COMMAND", "OPEN", "SHARE",
		"PER HOUR", "LIMIT SOFT/HARD", "USED", "FULL IN");
	for (size_t i = 0; i < n; i++) {
		const struct census_row *r = &c->process[i];
		char limit[48] = "?", used[16] = "?";

		if (r->soft) {
			snprintf(limit, sizeof(limit), "%llu/%llu", (unsigned long long)r->soft,
				 (unsigned long long)r->hard);
			snprintf(used, sizeof(used), "%.0f %%",
				 (double)r->open * 100 / (double)r->soft);
		}
		fprintf(to, "%7d %-16s %8llu %4.0f %% %9s %17s %5s  %s\n",
			m->processes[r->process].pid, r->name, (unsigned long long)r->open,
			r->share * 100, rate(r), limit, used,
			r->left_ns ? util_duration(r->left_ns) : "-");
	}
	more(to, c->process_count, n);
}

static void print_commands(FILE *to, const struct census *c, const struct out_options *o)
{
	size_t n = shown(c->command_count, o);

	if (c->command_count == c->process_count && !o->all)
		return; /* says nothing new */
	fprintf(to, "\n%7s %-16s %8s %6s %9s\n", "COUNT", "COMMAND", "OPEN", "SHARE", "PER HOUR");
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%7llu %-16s %8llu %4.0f %% %9s\n",
			(unsigned long long)c->command[i].processes, c->command[i].name,
			(unsigned long long)c->command[i].open, c->command[i].share * 100,
			rate(&c->command[i]));
	more(to, c->command_count, n);
}

static void print_kinds(FILE *to, const struct census *c, const struct out_options *o)
{
	size_t n = shown(c->kind_count, o);

	fprintf(to, "\n%7s %-16s %6s  MOST OF THEM\n", "OPEN", "KIND", "SHARE");
	for (size_t i = 0; i < n; i++) {
		const struct census_row *r = &c->kind[i];
		size_t named = r->targets < CENSUS_TARGETS ? r->targets : CENSUS_TARGETS;

		fprintf(to, "%7llu %-16s %4.0f %%  ", (unsigned long long)r->open, r->name,
			r->share * 100);
		for (size_t k = 0; k < named; k++)
			fprintf(to, "%s%llu %s", k ? ", " : "",
				(unsigned long long)r->target[k].open, r->target[k].name);
		if (r->targets > named)
			fprintf(to, ", %llu other%s", (unsigned long long)(r->targets - named),
				util_plural(r->targets - named, "s"));
		fputc('\n', to);
	}
	more(to, c->kind_count, n);
}

/* ---- the order of the sites: what grows first, then what has most open --------------------------
 */

static const struct model *sorting;

static uint64_t held(const struct model_fds *f)
{
	return f->open + f->inherited;
}

static int worse(const void *a, const void *b)
{
	const struct model_fds *x = &sorting->fds[*(const uint32_t *)a];
	const struct model_fds *y = &sorting->fds[*(const uint32_t *)b];
	int grows = (y->verdict.kind >= VERDICT_growing ? (int)y->verdict.kind : 0) -
		    (x->verdict.kind >= VERDICT_growing ? (int)x->verdict.kind : 0);

	return grows ? grows : (held(x) < held(y)) - (held(x) > held(y));
}

/* Indexes of those that have anything open; free it. */
static uint32_t *sites_open(const struct model *m, size_t *ret_count)
{
	uint32_t *order = util_alloc(m->fds_count + 1, sizeof(*order));

	*ret_count = 0;
	for (uint32_t i = 0; i < m->fds_count; i++)
		if (held(&m->fds[i]))
			order[(*ret_count)++] = i;
	sorting = m;
	if (*ret_count)
		qsort(order, *ret_count, sizeof(*order), worse);
	return order;
}

static void print_sites(FILE *to, const struct model *m, struct symbols *s,
			const struct out_options *o)
{
	size_t all, n;
	uint32_t *order = sites_open(m, &all);

	n = shown(all, o);
	fprintf(to, "\n%7s %-9s %-12s WHERE\n", "OPEN", "VERDICT", "CALL");
	for (size_t i = 0; i < n; i++) {
		const struct model_fds *f = &m->fds[order[i]];

		fprintf(to, "%7llu %-9s %-12s ", (unsigned long long)held(f),
			verdict_name(f->verdict.kind), names_call_plain(f->call));
		out_place(to, m, s, f->stack);
		fprintf(to, ": %s\n", f->verdict.reason);
	}
	more(to, all, n);
	if (n)
		fprintf(to, "Whole stacks: fdwhy report %s\n", o->name);
	free(order);
}

void out_fds(FILE *to, const struct model *m, struct symbols *s, const struct out_options *o)
{
	struct census c;

	census_take(m, &c);
	print_head(to, m, &c, o);
	print_spread(to, m, &c);
	print_processes(to, m, &c, o);
	print_commands(to, &c, o);
	print_kinds(to, &c, o);
	print_sites(to, m, s, o);
	census_free(&c);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static struct json_object *row(const struct census_row *r)
{
	struct json_object *o = json_object_new_object();

	ADD(o, "open", json_number(r->open));
	ADD(o, "share", json_object_new_double(r->share));
	ADD(o, "slope_per_hour", json_object_new_double(r->slope_per_hour));
	ADD(o, "confidence", json_object_new_double(r->confidence));
	return o;
}

static struct json_object *processes(const struct model *m, const struct census *c)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < c->process_count; i++) {
		const struct census_row *r = &c->process[i];
		struct json_object *o = row(r);

		ADD(o, "pid", json_object_new_int(m->processes[r->process].pid));
		ADD(o, "comm", json_object_new_string(r->name));
		ADD(o, "limit_soft", json_known(r->soft != 0, r->soft));
		ADD(o, "limit_hard", json_known(r->hard != 0, r->hard));
		ADD(o, "left_ns", json_known(r->left_ns != 0, r->left_ns));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *commands(const struct census *c)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < c->command_count; i++) {
		struct json_object *o = row(&c->command[i]);

		ADD(o, "comm", json_object_new_string(c->command[i].name));
		ADD(o, "processes", json_number(c->command[i].processes));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *kinds(const struct census *c)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < c->kind_count; i++) {
		const struct census_row *r = &c->kind[i];
		struct json_object *o = json_object_new_object(), *top = json_object_new_array();

		for (size_t k = 0; k < CENSUS_TARGETS && k < r->targets; k++) {
			struct json_object *t = json_object_new_object();

			ADD(t, "target", json_object_new_string(r->target[k].name));
			ADD(t, "open", json_number(r->target[k].open));
			json_object_array_add(top, t);
		}
		ADD(o, "kind", json_object_new_string(r->name));
		ADD(o, "open", json_number(r->open));
		ADD(o, "share", json_object_new_double(r->share));
		ADD(o, "targets", json_number(r->targets));
		ADD(o, "most", top);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *sites(const struct model *m, struct symbols *s)
{
	struct json_object *list = json_object_new_array();
	size_t all;
	uint32_t *order = sites_open(m, &all);

	for (size_t i = 0; i < all; i++) {
		const struct model_fds *f = &m->fds[order[i]];
		struct json_object *o = json_object_new_object();

		ADD(o, "open", json_number(f->open));
		ADD(o, "inherited", json_number(f->inherited));
		ADD(o, "verdict", json_object_new_string(verdict_name(f->verdict.kind)));
		ADD(o, "reason", json_object_new_string(f->verdict.reason));
		ADD(o, "call", json_object_new_string(call_name(f->call)));
		ADD(o, "kind", json_object_new_string(names_kind(f->kind)));
		ADD(o, "stack", out_json_stack(m, s, f->stack));
		json_object_array_add(list, o);
	}
	free(order);
	return list;
}

struct json_object *out_fds_json(const struct model *m, struct symbols *s)
{
	struct json_object *root = json_object_new_object(), *system = json_object_new_object();
	struct census c;

	census_take(m, &c);
	ADD(system, "file_nr", json_known(c.file_max != 0, c.file_nr));
	ADD(system, "file_max", json_known(c.file_max != 0, c.file_max));
	ADD(system, "left_ns", json_known(c.all.left_ns != 0, c.all.left_ns));
	ADD(root, "schema", json_object_new_int(1));
	ADD(root, "version", json_object_new_string(FDWHY_VERSION));
	ADD(root, "session", json_object_new_string(m->session));
	ADD(root, "live", json_object_new_boolean(m->live));
	ADD(root, "all", row(&c.all));
	ADD(root, "system", system);
	ADD(root, "processes", processes(m, &c));
	ADD(root, "commands", commands(&c));
	ADD(root, "kinds", kinds(&c));
	ADD(root, "sites", sites(m, s));
	census_free(&c);
	return root;
}

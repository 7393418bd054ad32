/* SPDX-License-Identifier: MIT */
/*
 * out_shorts.c - partial sends: a line of them all, because most programs send the rest; each place
 * with --all and in the JSON.
 */
#include "json_add.h"
#include "names.h"
#include "out_page.h"
#include "util.h"

static void print_place(struct out_page *p, const struct model_short *x)
{
	fprintf(p->to, "\n %s%s%s, %llu partial in ", names_call_plain(x->call),
		x->target ? " to " : "", x->target ? x->target : "", (unsigned long long)x->count);
	out_page_pids(p, &x->pids);
	fputc('\n', p->to);
	out_page_stack(p, x->stack);
}

void out_shorts(struct out_page *p)
{
	const struct model *m = p->m;
	uint64_t count = 0;

	for (size_t i = 0; i < m->shorts_count; i++)
		count += m->shorts[i].count;
	for (size_t i = 0; p->o->all && i < m->shorts_count; i++)
		print_place(p, &m->shorts[i]);
	if (count)
		fprintf(p->to,
			"\nPartial sends on fds that do not wait: %llu at %zu place%s%s: the rest "
			"has to "
			"be sent again\n",
			(unsigned long long)count, m->shorts_count,
			util_plural(m->shorts_count, "s"), p->o->all ? "" : " (--all shows where)");
}

struct json_object *out_short_json(const struct model *m, struct symbols *s,
				   const struct model_short *x)
{
	struct json_object *o = json_object_new_object(), *pids = json_object_new_array();

	for (size_t i = 0; i < x->pids.count; i++)
		json_object_array_add(pids, json_object_new_int(x->pids.pid[i]));
	ADD(o, "call", json_object_new_string(call_name(x->call)));
	ADD(o, "kind", json_object_new_string(names_kind(x->kind)));
	ADD(o, "count", json_number(x->count));
	ADD(o, "pids", pids);
	ADD(o, "target", json_text(x->target));
	ADD(o, "stack", out_json_stack(m, s, x->stack));
	return o;
}

/* SPDX-License-Identifier: MIT */
/*
 * out_report.c - the JSON of a report, item by item as they are made: a session of 10,000 processes
 * is 70 MB of it, and ten times that as a tree. What an item says is in out_json.c.
 */
#include "out.h"
#include "out_items.h"
#include "out_page.h"

struct view {
	FILE *to;
	const struct model *m;
	struct symbols *s;
	unsigned call; /* only this call; 0 all */
};

static void put(FILE *to, struct json_object *o)
{
	fputs(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							JSON_C_TO_STRING_NOSLASHESCAPE),
	      to);
	json_object_put(o);
}

static void put_key(const struct view *v, const char *key, struct json_object *o)
{
	fprintf(v->to, ",\n\"%s\":", key);
	put(v->to, o);
}

/* Item i of a list; NULL: not wanted. */
typedef struct json_object *(*item)(const struct view *v, size_t i);

static struct json_object *nth_process(const struct view *v, size_t i)
{
	return out_item_process(&v->m->processes[i]);
}

#define NTH(list, how)                                                           \
	static struct json_object *nth_##list(const struct view *v, size_t i)    \
	{                                                                        \
		if (v->call && v->call != v->m->list[i].call)                    \
			return NULL;                                             \
		return how(v->m, v->s, &v->m->list[i]);                          \
	}
NTH(eagains, out_item_failure)
NTH(limits, out_item_failure)
NTH(fds, out_item_fds)
NTH(opens, out_item_open_fd)
NTH(misuses, out_misuse_json)
NTH(shorts, out_short_json)

static void put_list(const struct view *v, const char *key, size_t count, item nth)
{
	const char *before = "\n";

	fprintf(v->to, ",\n\"%s\":[", key);
	for (size_t i = 0; i < count; i++) {
		struct json_object *o = nth(v, i);

		if (!o)
			continue;
		fputs(before, v->to);
		put(v->to, o);
		before = ",\n";
	}
	fputs("]", v->to);
}

void out_json(FILE *to, const struct model *m, struct symbols *s, const struct out_options *o)
{
	const struct view v = {.to = to, .m = m, .s = s, .call = o->call};
	const char *before = "{\n";
	struct json_object *first = out_item_general(m);

	json_object_object_foreach(first, key, value)
	{
		fprintf(to, "%s\"%s\":", before, key);
		put(to, json_object_get(value));
		before = ",\n";
	}
	json_object_put(first);
	put_list(&v, "processes", m->processes_count, nth_process);
	put_list(&v, "eagain", m->eagains_count, nth_eagains);
	put_list(&v, "limits", m->limits_count, nth_limits);
	put_list(&v, "fds", m->fds_count, nth_fds);
	put_list(&v, "open_fds", m->opens_count, nth_opens);
	put_list(&v, "misuse", m->misuses_count, nth_misuses);
	put_list(&v, "short_writes", m->shorts_count, nth_shorts);
	put_key(&v, "at_limit", out_at_limit_json(m, s));
	put_key(&v, "child_leaks", out_children_json(m, s));
	put_key(&v, "rules", out_json_rules(m));
	put_key(&v, "rule_actions", out_json_actions(m, s));
	put_key(&v, "coverage", out_item_coverage(m));
	fputs("\n}\n", to);
}

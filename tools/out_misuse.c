/* SPDX-License-Identifier: MIT */
/* out_misuse.c - fds closed twice, used after, closed by somebody else: text and JSON. */
#include <stdlib.h>
#include "json_add.h"
#include "names.h"
#include "out_page.h"
#include "util.h"

/* ---- text -------------------------------------------------------------------------------------
 */

static void say_who(struct out_page *p, const struct model_misuse *x)
{
	fprintf(p->to, "%llu time%s in ", (unsigned long long)x->count, util_plural(x->count, "s"));
	out_page_pids(p, &x->pids);
	fprintf(p->to, "%s%s\n", x->target ? "; " : "", x->target ? x->target : "");
}

static void show(struct out_page *p, const char *what, uint32_t stack)
{
	fprintf(p->to, "     %s\n", what);
	out_page_stack(p, stack);
}

static const char *module_of(const struct out_page *p, uint32_t stack)
{
	const struct model_stack *s = stack == MODEL_NONE ? NULL : &p->m->stacks[stack];
	uint32_t module = s && s->depth ? p->m->frames[s->first].module : MODEL_NONE;

	return module == MODEL_NONE ? "?" : out_page_base(p->m->modules[module].path);
}

static void print_foreign(struct out_page *p, const struct model_misuse *x)
{
	out_page_heading(p, TERM_red, "somebody else's fd closed:");
	fprintf(p->to, "%s closed what %s opened and still used, ", module_of(p, x->death_stack),
		module_of(p, x->stack));
	say_who(p, x);
	show(p, "closed at", x->death_stack);
	show(p, "opened at", x->birth_stack);
	fprintf(p->to, "     then %s failed at\n", names_call_plain(x->call));
	out_page_stack(p, x->stack);
}

static void print_standard(struct out_page *p, const struct model_misuse *x)
{
	static const char *const names[] = {"input", "output", "error"};

	out_page_heading(p, TERM_red, "standard fd closed:");
	fprintf(p->to, "standard %s (%d) was closed and a %s got its number, ",
		x->fd >= 0 && x->fd < 3 ? names[x->fd] : "?", x->fd, names_kind(x->fd_kind));
	say_who(p, x);
	show(p, "closed at", x->stack);
	show(p, "whatever is printed there goes to what was opened at", x->birth_stack);
	fprintf(p->to, "     %sadvice:%s open /dev/null there instead\n", term_on(TERM_bold),
		term_off());
}

static void print_misuse(struct out_page *p, const struct model_misuse *x)
{
	if (x->kind == MISUSE_foreign_close) {
		print_foreign(p, x);
		return;
	}
	if (x->kind == MISUSE_standard_close) {
		print_standard(p, x);
		return;
	}
	out_page_heading(p, TERM_red,
			 x->kind == MISUSE_double_close ? "double close" : "use after close");
	fprintf(p->to, "by %s, ", names_call_plain(x->call));
	say_who(p, x);
	out_page_stack(p, x->stack);
	show(p, "closed before at", x->death_stack);
	show(p, "opened at", x->birth_stack);
}

void out_misuse(struct out_page *p)
{
	for (size_t i = 0; i < p->m->misuses_count; i++)
		if ((!p->o->call || p->o->call == p->m->misuses[i].call) &&
		    !p->m->misuses[i].suppressed)
			print_misuse(p, &p->m->misuses[i]);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void add_time(struct json_object *o, const char *key, const char *ns_key, uint64_t ns)
{
	char *s = ns ? out_time(ns) : NULL;

	ADD(o, key, json_text(s));
	ADD(o, ns_key, ns ? json_number(ns) : NULL);
	free(s);
}

struct json_object *out_misuse_json(const struct model *m, struct symbols *s,
				    const struct model_misuse *x)
{
	struct json_object *o = json_object_new_object(), *pids = json_object_new_array();
	bool standard = x->kind == MISUSE_standard_close;

	for (size_t i = 0; i < x->pids.count; i++)
		json_object_array_add(pids, json_object_new_int(x->pids.pid[i]));
	ADD(o, "kind", json_object_new_string(model_misuse_name(x->kind)));
	ADD(o, "call", json_object_new_string(call_name(x->call)));
	ADD(o, "fd", standard ? json_object_new_int(x->fd) : NULL);
	ADD(o, "fd_kind", json_object_new_string(names_kind(x->fd_kind)));
	ADD(o, "count", json_number(x->count));
	add_time(o, "first", "first_ns", x->first_ns);
	add_time(o, "last", "last_ns", x->last_ns);
	ADD(o, "pids", pids);
	ADD(o, "target", json_text(x->target));
	ADD(o, "suppressed", json_text(x->suppressed));
	ADD(o, "stack", out_json_stack(m, s, x->stack));
	ADD(o, "birth_stack", out_json_stack(m, s, x->birth_stack));
	ADD(o, "death_stack", out_json_stack(m, s, x->death_stack));
	return o;
}

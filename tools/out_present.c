/* SPDX-License-Identifier: MIT */
/* out_present.c - what the process on the other side of a failure does now, as text and as JSON. */
#include <string.h>
#include "json_add.h"
#include "out_page.h"
#include "util.h"

static const char *state_word(char state)
{
	static const struct {
		char state;
		const char *word;
	} words[] = {{'S', "asleep"},  {'R', "running"}, {'D', "asleep in the kernel"},
		     {'T', "stopped"}, {'t', "traced"},  {'I', "idle"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].state == state)
			return words[i].word;
	return "in an unknown state";
}

/* Of threads that are at the same place the first stands for all. */
static bool stands_for(const struct model_present *x, uint32_t i, uint32_t *ret_same)
{
	*ret_same = 0;
	for (uint32_t k = 0; k < x->threads; k++) {
		if (x->thread[k].stack != x->thread[i].stack)
			continue;
		if (k < i)
			return false;
		++*ret_same;
	}
	return true;
}

static void print_thread(struct out_page *p, const struct model_present *x, uint32_t i)
{
	const struct model_thread *t = &x->thread[i];
	uint32_t same;

	if (!stands_for(x, i, &same))
		return;
	if (i)
		fprintf(p->to, "     its thread %d (%s), %s,", t->tid, t->name,
			state_word(t->state));
	else
		fprintf(p->to, "%s,", state_word(t->state));
	if (same > 1)
		fprintf(p->to, " and %u more threads", same - 1);
	if (t->stack == MODEL_NONE) {
		fprintf(p->to, " at a place unknown (%s)\n",
			*t->why ? t->why : "it could not be unwound");
		return;
	}
	fprintf(p->to, " at\n");
	out_page_stack(p, t->stack);
}

static void print_awaited(struct out_page *p, const struct model_present *x)
{
	if (!x->awaits)
		return;
	fprintf(p->to, "     it waits for the lock on %s",
		*x->awaits_path ? x->awaits_path : "a file unknown (not open in it)");
	if (x->awaits_pid)
		fprintf(p->to, ", held by pid %d (%s)", x->awaits_pid, x->awaits_comm);
	fputc('\n', p->to);
}

void out_present(struct out_page *p, const struct model_eagain *e)
{
	const struct model_present *x =
		e->present == MODEL_NONE ? NULL : &p->m->presents[e->present];
	uint32_t shown = p->o->all ? PRESENT_THREADS : 1;

	if (!x)
		return;
	fprintf(p->to, "     now %s %s %d is ", e->other_role, x->comm, x->pid);
	if (p->presents & UINT64_C(1) << e->present) {
		fprintf(p->to, "as shown above\n");
		return;
	}
	p->presents |= UINT64_C(1) << e->present;
	if (*x->why || !x->threads) {
		fprintf(p->to, "at a place unknown (%s)\n", x->why);
		print_awaited(p, x);
		return;
	}
	for (uint32_t i = 0; i < x->threads && i < shown; i++)
		print_thread(p, x, i);
	if (x->threads_all > x->threads || (x->threads > shown))
		fprintf(p->to, "     it has %u thread%s%s\n", x->threads_all,
			util_plural(x->threads_all, "s"), p->o->all ? "" : ", more of them: --all");
	print_awaited(p, x);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static struct json_object *text(const char *s)
{
	return json_text(s && *s ? s : NULL);
}

static struct json_object *thread(const struct model *m, struct symbols *s,
				  const struct model_thread *t)
{
	struct json_object *o = json_object_new_object();
	const char state[2] = {t->state, '\0'};

	ADD(o, "tid", json_object_new_int(t->tid));
	ADD(o, "name", text(t->name));
	ADD(o, "state", text(state));
	ADD(o, "why_unknown", text(t->why));
	ADD(o, "stack", out_json_stack(m, s, t->stack));
	return o;
}

static struct json_object *awaited(const struct model_present *x)
{
	struct json_object *o = json_object_new_object();

	ADD(o, "path", text(x->awaits_path));
	ADD(o, "holder_pid", x->awaits_pid ? json_object_new_int(x->awaits_pid) : NULL);
	ADD(o, "holder_comm", text(x->awaits_comm));
	return o;
}

struct json_object *out_present_json(const struct model *m, struct symbols *s,
				     const struct model_eagain *e)
{
	const struct model_present *x = e->present == MODEL_NONE ? NULL : &m->presents[e->present];
	struct json_object *o = json_object_new_object(), *list;

	ADD(o, "role", e->other_pid ? text(e->other_role) : NULL);
	ADD(o, "pid", e->other_pid ? json_object_new_int(e->other_pid) : NULL);
	ADD(o, "comm", x ? text(x->comm) : NULL);
	ADD(o, "queue", e->now_known ? json_object_new_int64(e->now_queue) : NULL);
	ADD(o, "backlog", e->now_known ? json_object_new_int64(e->now_backlog) : NULL);
	ADD(o, "why_unknown", x ? text(x->why) : NULL);
	ADD(o, "threads_all", x ? json_object_new_int64(x->threads_all) : NULL);
	list = x ? json_object_new_array() : NULL;
	for (uint32_t i = 0; x && i < x->threads; i++)
		json_object_array_add(list, thread(m, s, &x->thread[i]));
	ADD(o, "threads", list);
	ADD(o, "awaits", x && x->awaits ? awaited(x) : NULL);
	return o;
}

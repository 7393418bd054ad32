/* SPDX-License-Identifier: MIT */
/* out_states.c - in words: where a stack is, and what the open fds of a site are connected to. */
#include <stdio.h>
#include <string.h>
#include "json_add.h"
#include "out.h"
#include "util.h"

static const char *base(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "?";
}

void out_place(FILE *to, const struct model *m, struct symbols *s, uint32_t stack)
{
	const struct model_stack *k = stack == MODEL_NONE ? NULL : &m->stacks[stack];
	const struct model_frame *f;
	const struct symbol *x;
	size_t n;

	if (!k || !k->depth) {
		fputs("(no stack)", to);
		return;
	}
	f = &m->frames[k->first];
	x = symbols_at(s, f, &n);
	if (x->function)
		fprintf(to, "%s ", x->function);
	if (x->file)
		fprintf(to, "%s:%d", base(x->file), x->line);
	else
		fprintf(to, "%s+0x%llx",
			f->module == MODEL_NONE ? "" : base(m->modules[f->module].path),
			(unsigned long long)f->offset);
}

/* ---- states -----------------------------------------------------------------------------------
 */

#define WORDS 8

struct tally {
	struct {
		const char *word;
		uint64_t count;
	} w[WORDS];
	size_t used;
};

static void count(struct tally *t, const char *word)
{
	size_t i = 0;

	if (!word)
		return;
	while (i < t->used && strcmp(t->w[i].word, word))
		i++;
	if (i == WORDS)
		return;
	t->used += i == t->used;
	t->w[i].word = word;
	t->w[i].count++;
}

static void print(FILE *to, const struct tally *t, const char *head, size_t most)
{
	for (size_t i = 0; i < t->used && i < most; i++)
		fprintf(to, "%s%llu %s", i ? ", " : head, (unsigned long long)t->w[i].count,
			t->w[i].word);
	if (t->used > most)
		fputs(", ...", to);
}

void out_states(FILE *to, const struct model *m, uint32_t site)
{
	struct tally states = {0}, peers = {0};

	for (size_t i = 0; i < m->opens_count; i++) {
		const struct model_open *o = &m->opens[i];

		if (o->site != site || (m->fds[site].open && o->flags & SLOT_INHERITED))
			continue; /* a copy, in a fork, of one that is counted */
		count(&states, o->tcp_state);
		count(&states, o->deleted ? "deleted" : NULL);
		count(&peers, o->peer);
	}
	if (!states.used && !peers.used)
		return;
	print(to, &states, "     now: ", WORDS);
	print(to, &peers, states.used ? "; other end: " : "     other end: ", 3);
	fputc('\n', to);
}

void out_states_json(struct json_object *o, const struct model_open *x)
{
	ADD(o, "tcp_state", json_text(x->tcp_state));
	ADD(o, "peer", json_text(x->peer));
	ADD(o, "half_dead", json_object_new_boolean(x->half_dead));
	ADD(o, "deleted", json_object_new_boolean(x->deleted));
}

/* SPDX-License-Identifier: MIT */
/*
 * model_missed.c - what a record says that it does not hold: coverage, never guessed.
 */
#include <stdlib.h>
#include <string.h>
#include "elfkind.h"
#include "model.h"
#include "names.h"
#include "record_read.h"
#include "session.h"

/* The origin is unseen, the kind is not. */
void model_cover_unseen(struct model *m, int pid, enum record_miss what, unsigned kind,
			uint64_t count)
{
	if (count)
		model_cover(m, pid, count, "%s: %s", names_miss(what), names_kind(kind));
}

static void add_unseen(struct model *m, const struct record *r, enum record_miss what,
		       const uint32_t *by_kind)
{
	for (unsigned kind = 0; kind < KIND_COUNT; kind++)
		model_cover_unseen(m, (int)r->head.pid, what, kind, by_kind[kind]);
}

bool model_may_be_empty(const struct record_header *h, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	struct record again;

	if (!h->spare && !strncmp(name, "spare.", 6))
		return true;
	if (session_process_start(h->spare ? (pid_t)h->pid : atoi(name)))
		return true;
	if (!record_open(path, &again)) {
		record_close(&again);
		return true;
	}
	return again.head.pid != h->pid || again.head.spare != h->spare ||
	       again.head.state != h->state;
}

void model_missed(struct model *m, const struct record *r)
{
	const struct record_header *h = &r->head;
	char *why;

	add_unseen(m, r, MISS_birth_unseen, h->unseen_births);
	add_unseen(m, r, MISS_death_unseen, h->unseen_deaths);
	for (unsigned i = 0; i < MISS_COUNT; i++)
		if (h->missed[i] && i != MISS_birth_unseen && i != MISS_death_unseen)
			model_cover(m, (int)h->pid, h->missed[i], "%s%s%s", names_miss(i),
				    i == MISS_child_unrecorded ? ": " : "",
				    i == MISS_child_unrecorded ? strerror((int)h->child_errno)
							       : "");
	if (h->quarantine > m->quarantine)
		m->quarantine = h->quarantine;
	if (h->rules_why) {
		why = record_text(r, h->rules_why);
		model_cover(m, (int)h->pid, 1, "no rules: %s", why ? why : "unknown why");
		free(why);
	}
	if (h->off)
		model_cover(m, (int)h->pid, 1, "%s: %s", names_off(h->off),
			    strerror((int)h->off_errno));
	for (unsigned i = 0; i < PART_COUNT; i++)
		if (r->bad & 1u << i)
			model_cover(m, (int)h->pid, 1, "damaged record, %s skipped",
				    record_part_name(i));
}

/* It loads the shim where it has a libc part, and goes past it everywhere else. */
void model_cover_go(struct model *m)
{
	const char *exe = NULL;
	bool go = false;

	for (size_t i = 0; i < m->processes_count; i++) {
		const struct model_process *p = &m->processes[i];

		if (!p->exe)
			continue;
		if (!exe || strcmp(exe, p->exe))
			go = elfkind_is_go(p->exe);
		exe = p->exe;
		if (go)
			model_cover(m, p->pid, 1, "%s", names_why(EXEC_go));
	}
}

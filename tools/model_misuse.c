/* SPDX-License-Identifier: MIT */
/*
 * model_misuse.c - what kind of misuse it is. The one who fails is not always the one to blame:
 * when a module closes what another one opened, and that one still works on it, the close was
 * wrong.
 */
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "names.h"
#include "record_read.h"

/* The module that made the call; MODEL_NONE unknown. */
static uint32_t module_of(const struct model *m, uint32_t stack)
{
	const struct model_stack *s = stack == MODEL_NONE ? NULL : &m->stacks[stack];

	return s && s->depth ? m->frames[s->first].module : MODEL_NONE;
}

static enum misuse_kind kind_of(const struct model *m, const struct model_misuse *x)
{
	uint32_t owner = module_of(m, x->birth_stack), closer = module_of(m, x->death_stack);
	uint32_t user = module_of(m, x->stack);

	if (x->error == RECORD_ERROR_STANDARD)
		return MISUSE_standard_close;
	if (owner != MODEL_NONE && closer != MODEL_NONE && owner == user && owner != closer)
		return MISUSE_foreign_close;
	return call_class(x->call) == CLASS_close ? MISUSE_double_close : MISUSE_use_after_close;
}

const char *model_misuse_name(enum misuse_kind kind)
{
	static const char *const names[] = {
		[MISUSE_double_close] = "double-close",
		[MISUSE_use_after_close] = "use-after-close",
		[MISUSE_foreign_close] = "foreign-close",
		[MISUSE_standard_close] = "standard-close",
	};

	return names[kind];
}

void model_misuse(struct model *m)
{
	for (size_t i = 0; i < m->misuses_count; i++)
		m->misuses[i].kind = kind_of(m, &m->misuses[i]);
}

/* A loop that closes what /proc/self/fd lists closes that too, before closedir() does. */
bool model_is_fd_list(const struct record *r, const struct record_site *s)
{
	char *name = s->kind == KIND_dir ? record_text(r, s->target) : NULL;
	size_t n = name ? strlen(name) : 0;
	bool list = n > 3 && (!strncmp(name, "/proc/", 6) || !strncmp(name, "/dev/", 5)) &&
		    !strcmp(name + n - 3, "/fd");

	free(name);
	return list;
}

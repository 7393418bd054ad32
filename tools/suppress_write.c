/* SPDX-License-Identifier: MIT */
/*
 * suppress_write.c - suppressions from a report: for each finding a comment that says what it is,
 * and the line that suppresses it and as little else as can be.
 */
#include <string.h>
#include "names.h"
#include "suppress.h"

#define FRAMES 3u /* innermost functions: enough to tell a place, few enough to stay true */

/* As a value: what patterns and the grammar take as special is quoted. */
static void quote(FILE *to, const char *s)
{
	for (; *s; s++) {
		if (strchr("*?[\\", *s)) /* once for the glob, once for the grammar */
			fputs("\\\\", to);
		if (strchr(":\"\\", *s))
			fputc('\\', to);
		if (*s != '\\')
			fputc(*s, to);
		else
			fputs("\\", to);
	}
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void write_frame(FILE *to, const struct model *m, struct symbols *s,
			const struct model_frame *f)
{
	const char *path = f->module == MODEL_NONE ? NULL : m->modules[f->module].path;
	size_t n;
	const struct symbol *x = symbols_at(s, f, &n);

	if (x[n - 1].function) {
		fputs(":function=", to);
		quote(to, x[n - 1].function);
	}
	if (path && *base(path)) {
		fputs(":module=", to);
		quote(to, base(path));
	}
}

/* How every program starts tells nothing; frames without a name are told by their module. */
static void write_frames(FILE *to, const struct model *m, struct symbols *s, uint32_t stack)
{
	const struct model_stack *k = stack == MODEL_NONE ? NULL : &m->stacks[stack];

	for (uint32_t i = 0; k && i < k->depth && i < FRAMES; i++) {
		const struct model_frame *f = &m->frames[k->first + i];
		size_t n;
		const struct symbol *x = symbols_at(s, f, &n);

		if (i && (!x[n - 1].function || !strcmp(x[n - 1].function, "main") ||
			  !strncmp(x[n - 1].function, "__libc_start", 12)))
			break;
		write_frame(to, m, s, f);
	}
}

static void write_line(FILE *to, const struct model *m, struct symbols *s, const char *what,
		       uint16_t call, uint32_t stack, const char *target)
{
	const struct model_stack *k = stack == MODEL_NONE ? NULL : &m->stacks[stack];

	if ((!k || !k->depth) && !target) {
		fprintf(to, "# (no stack and no target: nothing to tell it by)\n");
		return;
	}
	fprintf(to, "%s %s", what, call_name(call));
	write_frames(to, m, s, stack);
	if (target) {
		fputs(":target=", to);
		quote(to, target);
	}
	fputc('\n', to);
}

void suppress_write(FILE *to, const struct model *m, struct symbols *symbols,
		    enum verdict_kind least)
{
	for (size_t i = 0; i < m->fds_count; i++) {
		const struct model_fds *f = &m->fds[i];

		if (f->suppressed || f->verdict.kind < least)
			continue;
		fprintf(to, "# %s: %s\n", verdict_name(f->verdict.kind), f->verdict.reason);
		write_line(to, m, symbols, "leak", f->call, f->stack,
			   f->target_count == 1 ? f->targets[0] : NULL);
	}
	for (size_t i = 0; i < m->child_leaks_count; i++) {
		const struct model_child_leak *c = &m->child_leaks[i];

		if (c->suppressed)
			continue;
		fprintf(to, "# leaked into %s\n", c->comm ? c->comm : "another program");
		write_line(to, m, symbols, "child", c->call, c->stack, NULL);
	}
	for (size_t i = 0; i < m->misuses_count; i++) {
		const struct model_misuse *x = &m->misuses[i];

		if (x->suppressed)
			continue;
		fprintf(to, "# %s\n", model_misuse_name(x->kind));
		write_line(to, m, symbols, "misuse", x->call, x->stack, NULL);
	}
}

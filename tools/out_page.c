/* SPDX-License-Identifier: MIT */
/* out_page.c - see out_page.h. */
#include <stdlib.h>
#include <string.h>
#include "out_page.h"
#include "term.h"
#include "util.h"

#define FRAMES_SHOWN 6

const char *out_page_base(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "?";
}

/* ---- stacks -----------------------------------------------------------------------------------
 */

/* How a program starts is the same in every stack. */
static bool is_start(const struct symbol *s)
{
	static const char *const names[] = {
		"_start", "__libc_start_main", "__libc_start_call_main", "start_thread", "clone",
		"clone3", "__clone3",          "__libc_start_main_impl", "__clone"};

	for (size_t i = 0; s->function && i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(s->function, names[i], strlen(names[i])) &&
		    (s->function[strlen(names[i])] == '\0' || s->function[strlen(names[i])] == '@'))
			return true;
	return false;
}

static void print_symbol(struct out_page *p, const struct model_frame *f, const struct symbol *s)
{
	const struct model_module *m = f->module == MODEL_NONE ? NULL : &p->m->modules[f->module];

	fputs(s->function ? s->function : "", p->to);
	if (!s->function)
		fprintf(p->to, "%s%s0x%llx", m ? out_page_base(m->path) : "", m ? "+" : "",
			(unsigned long long)f->offset);
	if (s->file)
		fprintf(p->to, "  %s%s:%d%s", term_on(TERM_dim), out_page_base(s->file), s->line,
			term_off());
	else if (s->function && m)
		fprintf(p->to, "  %s%s+0x%llx%s", term_on(TERM_dim), out_page_base(m->path),
			(unsigned long long)f->offset, term_off());
	if (s->inlined)
		fputs(" (inlined)", p->to);
}

void out_page_place(struct out_page *p, uint32_t stack)
{
	const struct model_stack *k = stack == MODEL_NONE ? NULL : &p->m->stacks[stack];
	const struct symbol *s;
	size_t n;

	if (!k || !k->depth)
		return;
	s = symbols_at(p->s, &p->m->frames[k->first], &n);
	print_symbol(p, &p->m->frames[k->first], &s[0]);
}

void out_page_stack(struct out_page *p, uint32_t stack)
{
	const struct model_stack *k = stack == MODEL_NONE ? NULL : &p->m->stacks[stack];
	size_t shown = 0, all = 0, most = p->o->all ? SIZE_MAX : FRAMES_SHOWN;

	for (uint32_t i = 0; k && i < k->depth; i++) {
		const struct model_frame *f = &p->m->frames[k->first + i];
		size_t n;
		const struct symbol *s = symbols_at(p->s, f, &n);

		if (!p->o->all && is_start(&s[n - 1]))
			break;
		for (size_t j = 0; j < n && shown < most; j++, shown++) {
			fputs("       ", p->to);
			print_symbol(p, f, &s[j]);
			fputc('\n', p->to);
		}
		all += n;
	}
	if (all > shown)
		fprintf(p->to, "       %s... %zu more%s\n", term_on(TERM_dim), all - shown,
			term_off());
	if (!k)
		fprintf(p->to, "       (no stack recorded)\n");
	else if (k->flags & STACK_LOST && p->o->all)
		fprintf(p->to, "       (the rest could not be unwound)\n");
}

static const char *comm_of(const struct out_page *p, int pid)
{
	for (size_t k = p->m->processes_count; k-- > 0;)
		if (p->m->processes[k].pid == pid)
			return p->m->processes[k].comm;
	return "pid";
}

void out_page_pids(struct out_page *p, const struct model_pids *pids)
{
	for (size_t i = 0; i < pids->count && i < 4; i++)
		fprintf(p->to, "%s%s %d", i ? ", " : "", comm_of(p, pids->pid[i]), pids->pid[i]);
	if (pids->count > 4)
		fprintf(p->to, " and %zu more", pids->count - 4);
}

void out_page_heading(struct out_page *p, enum term_style style, const char *what)
{
	fprintf(p->to, "\n%s%2u. %s%s ", term_on(style), ++p->number, what, term_off());
}

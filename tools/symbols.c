/* SPDX-License-Identifier: MIT */
/*
 * symbols.c - see symbols.h. elfutils' libdwfl finds and reads the files; one Dwfl a module, opened
 * when first needed; answers are kept, since stacks share most of their frames.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <libiberty/demangle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "symbols.h"
#include "util.h"

#define INLINED_MAX 16

struct answer {
	struct symbol *list;
	size_t count;
	uint64_t offset;
	uint32_t module;
	bool exact, used;
};

struct module {
	Dwfl *dwfl;
	Dwfl_Module *mod;
	GElf_Addr bias;
	bool tried;
	const char *problem;
};

struct symbols {
	const struct model *m;
	struct module *modules;
	size_t modules_count;   /* the model may learn of more */
	struct answer *answers; /* hash table */
	size_t size, count;
	bool enabled, progress;
};

struct symbols *symbols_open(const struct model *m, bool enabled, bool progress)
{
	struct symbols *s = util_alloc(1, sizeof(*s));

	s->m = m;
	s->enabled = enabled;
	s->progress = progress;
	s->size = 1024;
	s->answers = util_alloc(s->size, sizeof(*s->answers));
	/* Only the user's own wish makes us ask a server. */
	if (!getenv("DEBUGINFOD_URLS"))
		setenv("DEBUGINFOD_URLS", "", 1);
	return s;
}

static void free_answer(struct answer *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free(a->list[i].function);
		free(a->list[i].file);
	}
	free(a->list);
}

void symbols_close(struct symbols *s)
{
	for (size_t i = 0; i < s->size; i++)
		free_answer(&s->answers[i]);
	for (size_t i = 0; i < s->modules_count; i++)
		if (s->modules[i].dwfl)
			dwfl_end(s->modules[i].dwfl);
	free(s->answers);
	free(s->modules);
	free(s);
}

/* ---- modules ----------------------------------------------------------------------------------
 */

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

static bool same_build(const struct model_module *m, Dwfl_Module *mod)
{
	const unsigned char *id;
	GElf_Addr at;
	int bytes = dwfl_module_build_id(mod, &id, &at);

	return !m->build_id_bytes ||
	       (bytes == m->build_id_bytes && !memcmp(id, m->build_id, (size_t)bytes));
}

static void load(struct symbols *s, uint32_t i)
{
	const struct model_module *m = &s->m->modules[i];
	struct module *x = &s->modules[i];
	struct stat st;

	x->tried = true;
	x->problem = "its path is unknown";
	if (!m->path)
		return;
	x->problem = "not found";
	if (stat(m->path, &st) || !S_ISREG(st.st_mode) || access(m->path, R_OK))
		return; /* a record may name anything: never open a FIFO or a device */
	x->dwfl = dwfl_begin(&callbacks);
	if (!x->dwfl)
		return;
	dwfl_report_begin(x->dwfl);
	x->mod = dwfl_report_offline(x->dwfl, m->path, m->path, -1);
	dwfl_report_end(x->dwfl, NULL, NULL);
	if (!x->mod)
		return;
	if (!same_build(m, x->mod)) {
		x->problem = "changed since it ran (its build-id differs)";
		x->mod = NULL;
		return;
	}
	x->problem = NULL;
	/* Offline, an object may be laid out elsewhere than its file addresses say. */
	dwfl_module_getelf(x->mod, &x->bias);
}

static void make_room(struct symbols *s)
{
	struct module *more = util_alloc(s->m->modules_count, sizeof(*more));

	if (s->modules_count)
		memcpy(more, s->modules, s->modules_count * sizeof(*more));
	free(s->modules);
	s->modules = more;
	s->modules_count = s->m->modules_count;
}

const char *symbols_problem(struct symbols *s, uint32_t module)
{
	if (!s->enabled || module == MODEL_NONE)
		return NULL;
	if (module >= s->modules_count)
		make_room(s);
	if (s->modules[module].tried)
		return s->modules[module].problem;
	/* Erased before the report's next line, which stands on the same terminal. */
	if (s->progress)
		fprintf(stderr, "\rreading symbols: %u of %zu ", module + 1, s->m->modules_count);
	load(s, module);
	if (s->progress)
		fputs("\r\033[K", stderr);
	return s->modules[module].problem;
}

/* ---- addresses --------------------------------------------------------------------------------
 */

static char *demangled(const char *name)
{
	char *plain = name ? cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO) : NULL;
	char *copy;

	if (!plain && name)
		plain = rust_demangle(name, 0);
	if (!plain)
		return name ? util_clean(util_copy(name)) : NULL;
	copy = util_clean(util_copy(plain));
	free(plain);
	return copy;
}

static char *file_copy(const char *file)
{
	return file ? util_clean(util_copy(file)) : NULL;
}

static const char *die_name(Dwarf_Die *die)
{
	Dwarf_Attribute a;
	const char *linkage = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &a) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &a))
		linkage = dwarf_formstring(&a);
	return linkage ? linkage : dwarf_diename(die);
}

/* The call site of an inlined function is the line of the function around it. */
static void call_site(Dwarf_Die *die, Dwarf_Die *cu, char **ret_file, int *ret_line)
{
	Dwarf_Attribute a;
	Dwarf_Word line = 0, index = 0;
	Dwarf_Files *files;
	size_t n;

	*ret_file = NULL;
	if (dwarf_attr(die, DW_AT_call_line, &a))
		dwarf_formudata(&a, &line);
	if (dwarf_attr(die, DW_AT_call_file, &a) && !dwarf_formudata(&a, &index) &&
	    !dwarf_getsrcfiles(cu, &files, &n) && index < n)
		*ret_file = file_copy(dwarf_filesrc(files, index, NULL, NULL));
	*ret_line = (int)line;
}

/* clang and rustc write no .debug_aranges, by which libdw finds the unit of an address: ask each.
 */
static Dwarf_Die *unit_of(struct module *x, Dwarf_Addr addr, Dwarf_Addr *ret_bias)
{
	Dwarf_Die *cu = dwfl_module_addrdie(x->mod, addr, ret_bias);

	if (cu)
		return cu;
	while ((cu = dwfl_module_nextcu(x->mod, cu, ret_bias)))
		if (dwarf_haspc(cu, addr - *ret_bias) > 0)
			return cu;
	return NULL;
}

static const char *line_of(struct module *x, Dwarf_Addr addr, int *ret_line)
{
	Dwarf_Addr bias;
	Dwarf_Die *cu = unit_of(x, addr, &bias);
	Dwarf_Line *l = cu ? dwarf_getsrc_die(cu, addr - bias) : NULL;

	if (!l || dwarf_lineno(l, ret_line))
		return NULL;
	return dwarf_linesrc(l, NULL, NULL);
}

static size_t inlined(struct module *x, Dwarf_Addr addr, char *file, int line, struct symbol *ret)
{
	Dwarf_Addr bias;
	Dwarf_Die *cu = unit_of(x, addr, &bias), *innermost = NULL, *scopes = NULL;
	int n = cu ? dwarf_getscopes(cu, addr - bias, &innermost) : 0;
	size_t count = 0;

	/* From there outwards as the code lies, not as it was written. */
	n = n > 0 ? dwarf_getscopes_die(&innermost[0], &scopes) : 0;
	free(innermost);

	for (int i = 0; i < n && count < INLINED_MAX; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		ret[count] = (struct symbol){.function = demangled(die_name(&scopes[i])),
					     .file = file,
					     .line = line,
					     .inlined = tag == DW_TAG_inlined_subroutine};
		count++;
		file = NULL;
		if (tag == DW_TAG_subprogram)
			break;
		call_site(&scopes[i], cu, &file, &line);
	}
	free(scopes);
	if (count)
		return count;
	ret[0] = (struct symbol){.file = file, .line = line};
	return 1;
}

static size_t look_up(struct symbols *s, const struct model_frame *f, struct symbol *ret)
{
	const char *problem = symbols_problem(s, f->module);
	struct module *x = &s->modules[f->module];
	Dwarf_Addr addr;
	const char *file, *name;
	GElf_Off offset;
	GElf_Sym sym;
	int line = 0;
	size_t n;

	*ret = (struct symbol){0};
	if (problem)
		return 1;
	addr = f->offset - !f->exact + x->bias;
	file = line_of(x, addr, &line);
	n = inlined(x, addr, file_copy(file), line, ret);
	name = dwfl_module_addrinfo(x->mod, addr, &offset, &sym, NULL, NULL, NULL);
	/* Beyond the end of a symbol it is only the nearest one: no answer. */
	if (!ret[n - 1].function && name && (!sym.st_size || offset < sym.st_size))
		ret[n - 1].function = demangled(name);
	return n;
}

static struct answer *place(struct symbols *s, const struct model_frame *f)
{
	size_t at = util_hash(&f->offset, sizeof(f->offset), f->module) & (s->size - 1);

	for (; s->answers[at].used; at = (at + 1) & (s->size - 1))
		if (s->answers[at].offset == f->offset && s->answers[at].module == f->module &&
		    s->answers[at].exact == f->exact)
			break;
	return &s->answers[at];
}

static void grow(struct symbols *s)
{
	struct answer *old = s->answers;
	size_t n = s->size;

	s->size *= 2;
	s->answers = util_alloc(s->size, sizeof(*s->answers));
	for (size_t i = 0; i < n; i++) {
		struct model_frame f = {
			.module = old[i].module, .offset = old[i].offset, .exact = old[i].exact};

		if (old[i].used)
			*place(s, &f) = old[i];
	}
	free(old);
}

const struct symbol *symbols_at(struct symbols *s, const struct model_frame *f, size_t *ret_count)
{
	static const struct symbol unknown;
	struct symbol found[INLINED_MAX];
	struct answer *a;

	*ret_count = 1;
	if (!s->enabled || f->module == MODEL_NONE)
		return &unknown;
	if (s->count * 2 > s->size)
		grow(s);
	a = place(s, f);
	if (!a->used) {
		*a = (struct answer){
			.offset = f->offset, .module = f->module, .exact = f->exact, .used = true};
		a->count = look_up(s, f, found);
		a->list = util_alloc(a->count, sizeof(*a->list));
		memcpy(a->list, found, a->count * sizeof(*a->list));
		s->count++;
	}
	*ret_count = a->count;
	return a->list;
}

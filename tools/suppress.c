/* SPDX-License-Identifier: MIT */
/* suppress.c - see suppress.h: the text of suppressions, and what they match. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "calls.h"
#include "rulefile.h"
#include "rules_cursor.h"
#include "suppress.h"
#include "util.h"

/* ---- text -------------------------------------------------------------------------------------
 */

static const char *const whats[] = {"leak", "child", "misuse"};

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct cursor *c)
{
	while (blank(cursor_now(c)))
		c->at++;
}

/* Which of `words` stands here; -EINVAL. */
static int take_word(struct cursor *c, const char *ends, const char *what, const char *const *words,
		     size_t count)
{
	size_t from = c->at;

	c->at += strcspn(c->text + from, ends);
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == c->at - from &&
		    !strncmp(words[i], c->text + from, c->at - from))
			return (int)i;
	return cursor_unknown(c, from, what, words, count);
}

/* "function=f:module=m" is one frame; a second function or module begins another. */
static int take_frame(struct cursor *c, struct suppression *s, size_t from, bool module)
{
	struct suppress_frame *f = s->frame_count ? &s->frames[s->frame_count - 1] : NULL;

	if (!f || *(module ? f->module : f->function)) {
		if (s->frame_count == SUPPRESS_FRAMES)
			return cursor_wrong(c, from, "more than 8 frames: leave some out", NULL, 0,
					    "");
		f = &s->frames[s->frame_count++];
	}
	return module ? values_text(c, f->module, sizeof(f->module))
		      : values_text(c, f->function, sizeof(f->function));
}

static int take_key(struct cursor *c, struct suppression *s)
{
	static const char *const keys[] = {"function", "module", "target"};
	size_t from = c->at;
	int key = take_word(c, "=:", "key", keys, 3);

	if (key < 0)
		return key;
	if (!cursor_take(c, '='))
		return cursor_wrong(c, from, "", c->text + from, c->at - from,
				    " needs a pattern: write it as key=pattern");
	if (key < 2)
		return take_frame(c, s, from, key == 1);
	if (*s->target)
		return cursor_wrong(c, from, "one target is enough: * and ? match anything", NULL,
				    0, "");
	return values_text(c, s->target, sizeof(s->target));
}

/* A few calls may stand alone: those of syslog(), say. */
static bool is_broad(const struct suppression *s)
{
	unsigned calls = 0;

	for (size_t i = 0; i < sizeof(s->calls) / sizeof(s->calls[0]); i++)
		calls += (unsigned)__builtin_popcountll(s->calls[i]);
	return s->calls[CALL_open / 64] >> (CALL_open % 64) & 1 ||
	       s->calls[CALL_socket / 64] >> (CALL_socket % 64) & 1 || calls > 8;
}

static int take_keys(struct cursor *c, struct suppression *s)
{
	while (cursor_take(c, ':')) {
		int error = take_key(c, s);

		if (error)
			return error;
	}
	if (cursor_now(c))
		return cursor_wrong(c, c->at, "expected ':' or the end of the line", NULL, 0, "");
	if (!s->frame_count && !*s->target && is_broad(s))
		return cursor_wrong(c, 0,
				    "this would suppress too much: add function=, module= or "
				    "target=",
				    NULL, 0, "");
	return 0;
}

int suppress_parse(const char *line, struct suppression *ret, struct rules_error *ret_error)
{
	char text[1024];
	struct cursor c = {.text = text, .error = ret_error};
	struct suppression s = {0};
	size_t n = strlen(line);
	int what;

	while (n && blank(line[n - 1]))
		n--;
	if (n >= sizeof(text))
		return cursor_wrong(&c, 0, "this line is too long", NULL, 0, "");
	memcpy(text, line, n);
	text[n] = '\0';
	skip_blanks(&c);
	if (!cursor_now(&c) || cursor_now(&c) == '#')
		return 1;
	what = take_word(&c, " \t", "kind", whats, 3);
	if (what < 0)
		return what;
	s.what = (enum suppress_what)(1 << what);
	skip_blanks(&c);
	if (calls_set(&c, s.calls) || take_keys(&c, &s))
		return -EINVAL;
	*ret = s;
	return 0;
}

/* ---- files ------------------------------------------------------------------------------------
 */

int suppress_read(struct suppressions *s, const char *path, int status)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	unsigned number = 0;
	size_t room = 0;
	int error = 0;

	if (!in)
		return util_error(status, "%s: %s", path, strerror(errno));
	while (!error && getline(&line, &room, in) >= 0) {
		char *where = util_format("%s:%u", path, ++number);
		struct rules_error e;
		struct suppression one;
		int got;

		line[strcspn(line, "\r\n")] = '\0';
		got = suppress_parse(line, &one, &e);
		one.place = where;
		if (!got)
			*UTIL_PUSH(s->list, s->count, s->room) = one;
		else
			error = got < 0 ? rulefile_wrong(status, where, line, &e) : 0;
		if (got)
			free(where);
	}
	free(line);
	fclose(in);
	return error;
}

int suppress_read_default(struct suppressions *s, int status)
{
	static const char *const places[] = {"../lib/fdwhy", "."};
	char own[4096];
	int error = 0;

	for (size_t i = 0; i < 2 && util_own_directory(own, sizeof(own)); i++) {
		char *path = util_format("%s/%s/default.supp", own, places[i]);
		FILE *f = fopen(path, "re");

		if (f) {
			fclose(f);
			error = suppress_read(s, path, status);
		}
		free(path);
		if (f)
			break;
	}
	return error;
}

void suppress_free(struct suppressions *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].place);
	free(s->list);
	*s = (struct suppressions){0};
}

/* ---- matching ---------------------------------------------------------------------------------
 */

static bool matches(const char *glob, const char *text)
{
	return !*glob || (text && !fnmatch(glob, text, 0));
}

/* A pattern with a '/' is of the whole path. */
static bool matches_module(const char *glob, const char *path)
{
	const char *slash = path && !strchr(glob, '/') ? strrchr(path, '/') : NULL;

	return matches(glob, slash ? slash + 1 : path);
}

static bool matches_frame(const struct suppress_frame *f, const struct model *m, struct symbols *s,
			  const struct model_frame *frame)
{
	const char *path = frame->module == MODEL_NONE ? NULL : m->modules[frame->module].path;
	const struct symbol *x;
	size_t n;

	if (!matches_module(f->module, path))
		return false;
	if (!*f->function)
		return true;
	x = symbols_at(s, frame, &n);
	for (size_t i = 0; i < n; i++)
		if (matches(f->function, x[i].function))
			return true;
	return false;
}

static bool is_in_stack(const struct suppress_frame *f, const struct model *m, struct symbols *s,
			uint32_t stack)
{
	const struct model_stack *k = stack == MODEL_NONE ? NULL : &m->stacks[stack];

	for (uint32_t i = 0; k && i < k->depth; i++)
		if (matches_frame(f, m, s, &m->frames[k->first + i]))
			return true;
	return false;
}

struct place {
	enum suppress_what what;
	uint16_t call;
	uint32_t stack;
	char *const *targets;
	size_t target_count;
};

/* A pattern of targets must fit all there are: another file from the same place is to be seen. */
static bool fits(const struct suppression *x, const struct model *m, struct symbols *s,
		 const struct place *p)
{
	if (x->what != p->what || !(x->calls[p->call / 64] >> (p->call % 64) & 1))
		return false;
	if (*x->target && !p->target_count)
		return false;
	for (size_t i = 0; i < p->target_count; i++)
		if (!matches(x->target, p->targets[i]))
			return false;
	for (unsigned i = 0; i < x->frame_count; i++)
		if (!is_in_stack(&x->frames[i], m, s, p->stack))
			return false;
	return true;
}

static const char *find(struct suppressions *s, const struct model *m, struct symbols *symbols,
			const struct place *p)
{
	for (size_t i = 0; i < s->count; i++)
		if (fits(&s->list[i], m, symbols, p)) {
			s->list[i].count++;
			return s->list[i].place;
		}
	return NULL;
}

void suppress_apply(struct suppressions *s, struct model *m, struct symbols *symbols)
{
	for (size_t i = 0; i < m->fds_count; i++) {
		struct model_fds *f = &m->fds[i];
		const struct place p = {SUPPRESS_leak, f->call, f->stack, f->targets,
					f->target_count};

		f->suppressed = f->verdict.kind >= VERDICT_at_exit ? find(s, m, symbols, &p) : NULL;
	}
	for (size_t i = 0; i < m->child_leaks_count; i++) {
		struct model_child_leak *c = &m->child_leaks[i];
		const struct place p = {SUPPRESS_child, c->call, c->stack, &c->target, !!c->target};

		c->suppressed = find(s, m, symbols, &p);
	}
	for (size_t i = 0; i < m->misuses_count; i++) {
		struct model_misuse *x = &m->misuses[i];
		const struct place p = {SUPPRESS_misuse, x->call, x->stack, &x->target,
					!!x->target};

		x->suppressed = find(s, m, symbols, &p);
	}
}

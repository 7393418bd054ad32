/* SPDX-License-Identifier: MIT */
/* sweep_out.c - how far a sweep is, and what it found. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "json_add.h"
#include "names.h"
#include "rules_parse.h"
#include "sweep.h"
#include "term.h"
#include "util.h"

#define BAR 24

static const char *const words[] = {
#define X(n, s) s,
	SWEEP_FINDINGS(X)
#undef X
};

static size_t findings(const struct sweep *s)
{
	size_t n = 0;

	for (unsigned i = 0; i < SWEEP_KINDS; i++)
		n += i == SWEEP_exit ? 0 : s->found[i];
	return n;
}

/* ---- progress ---------------------------------------------------------------------------------
 */

static void print_bar(const struct sweep *s, const char *left)
{
	char bar[BAR + 1];
	size_t filled = s->cases_count ? BAR * s->done / s->cases_count : BAR;

	memset(bar, '.', BAR);
	memset(bar, '#', filled);
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %zu of %zu runs, %zu finding%s%s\033[K", bar, s->done,
		s->cases_count, findings(s), util_plural(findings(s), "s"), left);
}

void sweep_progress(const struct sweep *s, uint64_t began_ns, size_t done_before, bool end)
{
	static size_t tenths;
	size_t now = s->done - done_before, rest = s->cases_count - s->done;
	char left[64] = "";

	if (!isatty(2)) {
		if (s->cases_count && s->done * 10 / s->cases_count > tenths) {
			tenths = s->done * 10 / s->cases_count;
			fprintf(stderr, "fdwhy: sweep: %zu of %zu runs, %zu finding%s\n", s->done,
				s->cases_count, findings(s), util_plural(findings(s), "s"));
		}
		return;
	}
	if (now && rest)
		snprintf(left, sizeof(left), ", %s left",
			 util_duration((util_now_ns(CLOCK_MONOTONIC) - began_ns) / now * rest));
	print_bar(s, left);
	if (end)
		fputs("\r\033[K", stderr);
}

/* ---- the result -------------------------------------------------------------------------------
 */

static void print_site(FILE *to, const struct sweep *s, const struct sweep_case *c, unsigned i)
{
	const struct sweep_site *x = &s->sites[c->site[i]];

	fprintf(to, "     %s%s failed with %s%s%s\n", i ? "and " : "", names_call_plain(x->call),
		rules_error_name(c->error[i]), x->target ? ": " : "", x->target ? x->target : "");
	fputs(x->stack, to);
}

static void print_case(FILE *to, const struct sweep *s, const struct sweep_case *c, unsigned number)
{
	char *name = sweep_case_name(s, c);

	for (size_t i = 0; i < c->findings_count; i++) {
		const struct sweep_finding *f = &c->findings[i];

		if (i)
			fprintf(to, "     also ");
		else
			fprintf(to, "\n%2u. ", number);
		fprintf(to, "%s%s%s: %s\n", term_on(TERM_red), sweep_finding_name(f->kind),
			term_off(), f->text ? f->text : words[f->kind]);
		if (f->stack)
			fputs(f->stack, to);
	}
	for (unsigned i = 0; i < 2 && c->error[i]; i++)
		print_site(to, s, c, i);
	fprintf(to, "     %sruns/%s%s\n", term_on(TERM_dim), name, term_off());
	free(name);
}

static bool is_finding(const struct sweep_case *c)
{
	return c->findings_count && c->findings[0].kind != SWEEP_exit;
}

void sweep_print(FILE *to, const struct sweep *s)
{
	unsigned number = 0;

	for (size_t i = 0; i < s->cases_count; i++)
		if (is_finding(&s->cases[i]))
			print_case(to, s, &s->cases[i], ++number);
	fprintf(to, "%s%zu place%s, %zu of %zu runs", number ? "\n" : "", s->sites_count,
		util_plural(s->sites_count, "s"), s->done, s->cases_count);
	for (unsigned i = 0; i < SWEEP_KINDS; i++)
		if (s->found[i])
			fprintf(to, "%s %zu %s", i == SWEEP_exit ? "; and" : ",", s->found[i],
				i == SWEEP_exit ? "times another exit status"
						: sweep_finding_name(i));
	if (s->missed)
		fprintf(to, "; %zu place%s not reached again", s->missed,
			util_plural(s->missed, "s"));
	fputs("\n", to);
	if (s->stopped)
		fprintf(to, "stopped: the same command with --output=%s goes on\n", s->o.directory);
}

/* ---- for machines -----------------------------------------------------------------------------
 */

/* The lines of a printed stack. */
static struct json_object *lines_of(const char *stack)
{
	struct json_object *list = json_object_new_array();

	for (const char *at = stack ? stack : ""; *at; at += *at == '\n') {
		size_t n = strcspn(at, "\n"), blank = strspn(at, " ");

		if (n > blank)
			json_object_array_add(
				list, json_object_new_string_len(at + blank, (int)(n - blank)));
		at += n;
	}
	return list;
}

static struct json_object *failed_of(const struct sweep *s, const struct sweep_case *c)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < 2 && c->error[i]; i++) {
		const struct sweep_site *x = &s->sites[c->site[i]];
		struct json_object *o = json_object_new_object();

		ADD(o, "call", json_text(names_call_plain(x->call)));
		ADD(o, "errno", json_text(rules_error_name(c->error[i])));
		ADD(o, "kind", json_text(names_kind(x->kind)));
		ADD(o, "target", json_text(x->target));
		ADD(o, "stack", lines_of(x->stack));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *case_of(const struct sweep *s, const struct sweep_case *c)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	char *name = sweep_case_name(s, c);

	ADD(o, "case", json_text(name));
	ADD(o, "failed", failed_of(s, c));
	ADD(o, "done", json_object_new_boolean(c->done));
	ADD(o, "reached", json_object_new_boolean(!c->missed));
	ADD(o, "status", json_object_new_int(c->status));
	for (size_t i = 0; i < c->findings_count; i++) {
		struct json_object *f = json_object_new_object();

		ADD(f, "kind", json_text(sweep_finding_name(c->findings[i].kind)));
		ADD(f, "text", json_text(c->findings[i].text));
		ADD(f, "stack", lines_of(c->findings[i].stack));
		json_object_array_add(list, f);
	}
	ADD(o, "findings", list);
	free(name);
	return o;
}

void sweep_print_json(FILE *to, const struct sweep *s)
{
	struct json_object *root = json_object_new_object(), *cases = json_object_new_array(),
			   *totals = json_object_new_object();

	for (size_t i = 0; i < s->cases_count; i++)
		json_object_array_add(cases, case_of(s, &s->cases[i]));
	for (unsigned i = 0; i < SWEEP_KINDS; i++)
		ADD(totals, sweep_finding_name(i), json_number(s->found[i]));
	ADD(root, "schema", json_object_new_int(1));
	ADD(root, "places", json_number(s->sites_count));
	ADD(root, "runs", json_number(s->cases_count));
	ADD(root, "done", json_number(s->done));
	ADD(root, "resumed", json_number(s->resumed));
	ADD(root, "totals", totals);
	ADD(root, "cases", cases);
	fprintf(to, "%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	json_object_put(root);
}

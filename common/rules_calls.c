/* SPDX-License-Identifier: MIT */
/* rules_calls.c - sets of calls: names, LFS aliases, %classes and /regular expressions/. */
#include <errno.h>
#include <regex.h>
#include <string.h>
#include "call_table.h"
#include "rules_cursor.h"

static const struct alias {
	char name[30];
	uint16_t call;
} aliases[] = {
#define ALIAS(other, name) {#other, CALL_##name},
#define SPECIAL_ALIAS(other, name) {#other, CALL_##name},
#include "calls.def"
};
#define ALIASES (sizeof(aliases) / sizeof(aliases[0]))

/* "fd-create" is how reports spell it. */
static const struct {
	char name[15];
	uint8_t class;
} class_names[] = {
	{"send", CLASS_send},   {"recv", CLASS_recv},       {"connect", CLASS_connect},
	{"open", CLASS_open},   {"accept", CLASS_accept},   {"fd-create", CLASS_fd_create},
	{"dup", CLASS_dup},     {"close", CLASS_close},     {"lock", CLASS_lock},
	{"mode", CLASS_mode},   {"wait", CLASS_wait},       {"exec", CLASS_exec},
	{"all", CLASS_none},    {"process", CLASS_process}, {"move", CLASS_move},
	{"other", CLASS_other},
};
#define CLASS_NAMES (sizeof(class_names) / sizeof(class_names[0]))

static void add(uint64_t *calls, unsigned call)
{
	calls[call / 64] |= 1ull << (call % 64);
}

static bool is(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && !memcmp(name, text, length);
}

static int unknown_class(struct cursor *c, size_t from)
{
	const char *words[CLASS_NAMES];

	for (size_t i = 0; i < CLASS_NAMES; i++)
		words[i] = class_names[i].name;
	return cursor_unknown(c, from, "class of calls", words, CLASS_NAMES);
}

static void add_class(uint8_t class, uint64_t *calls)
{
	for (unsigned call = 1; call < CALL_COUNT; call++)
		if (class == CLASS_none || call_class(call) == class)
			add(calls, call);
}

static int take_class(struct cursor *c, size_t from, uint64_t *calls)
{
	const char *word = c->text + from;

	for (size_t i = 0; i < CLASS_NAMES; i++) {
		if (!is(class_names[i].name, word, c->at - from))
			continue;
		add_class(class_names[i].class, calls);
		return 0;
	}
	return unknown_class(c, from);
}

static int unknown_call(struct cursor *c, size_t from)
{
	const char *words[CALL_COUNT - 1 + ALIASES];
	size_t n = 0;

	for (unsigned call = 1; call < CALL_COUNT; call++)
		words[n++] = call_name(call);
	for (size_t i = 0; i < ALIASES; i++)
		words[n++] = aliases[i].name;
	return cursor_unknown(c, from, "call", words, n);
}

static int take_name(struct cursor *c, size_t from, uint64_t *calls)
{
	const char *word = c->text + from;

	if (is("all", word, c->at - from))
		return take_class(c, from, calls);
	for (unsigned call = 1; call < CALL_COUNT; call++)
		if (is(call_name(call), word, c->at - from)) {
			add(calls, call);
			return 0;
		}
	for (size_t i = 0; i < ALIASES; i++)
		if (is(aliases[i].name, word, c->at - from)) {
			add(calls, aliases[i].call);
			return 0;
		}
	return unknown_call(c, from);
}

/* Aliases count as their call: /64$/ finds open64. */
static unsigned match_all(const regex_t *x, uint64_t *calls)
{
	unsigned found = 0;

	for (unsigned call = 1; call < CALL_COUNT; call++)
		if (!regexec(x, call_name(call), 0, NULL, 0)) {
			add(calls, call);
			found++;
		}
	for (size_t i = 0; i < ALIASES; i++)
		if (!regexec(x, aliases[i].name, 0, NULL, 0)) {
			add(calls, aliases[i].call);
			found++;
		}
	return found;
}

static int take_regex(struct cursor *c, uint64_t *calls)
{
	size_t from = c->at - 1, n = 0;
	char text[128], why[96];
	unsigned found;
	regex_t x;
	int r;

	while (cursor_now(c) && cursor_now(c) != '/' && n < sizeof(text) - 1)
		text[n++] = c->text[c->at++];
	text[n] = '\0';
	if (!cursor_take(c, '/'))
		return cursor_wrong(c, from, "this /regular expression has no closing /", NULL, 0,
				    "");
	r = regcomp(&x, text, REG_EXTENDED | REG_NOSUB);
	if (r) {
		why[0] = ':';
		why[1] = ' ';
		regerror(r, &x, why + 2, sizeof(why) - 2);
		return cursor_wrong(c, from, "bad regular expression ", text, n, why);
	}
	found = match_all(&x, calls);
	regfree(&x);
	return found ? 0
		     : cursor_wrong(c, from, "no call matches ", text, n, "; see docs/coverage.md");
}

static int take_one(struct cursor *c, uint64_t *calls)
{
	bool class = false;
	size_t from;

	if (cursor_take(c, '/'))
		return take_regex(c, calls);
	class = cursor_take(c, '%');
	from = c->at;
	while (!cursor_ended(c) && cursor_now(c) != ',')
		c->at++;
	if (c->at == from)
		return cursor_wrong(c, from, "expected a call, /regex/ or %class", NULL, 0, "");
	return class ? take_class(c, from, calls) : take_name(c, from, calls);
}

int calls_set(struct cursor *c, uint64_t *ret_calls)
{
	int r;

	do
		r = take_one(c, ret_calls);
	while (!r && cursor_take(c, ','));
	return r;
}

int rules_parse_calls(const char *text, uint64_t *ret_calls, struct rules_error *ret_error)
{
	struct cursor c = {.text = text, .error = ret_error};
	uint64_t calls[RULES_CALLS_MAX / 64] = {0};
	int r = calls_set(&c, calls);

	if (!r && cursor_now(&c))
		r = cursor_wrong(&c, c.at++, "expected , or the end", NULL, 0, "");
	if (!r)
		memcpy(ret_calls, calls, sizeof(calls));
	return r;
}

/* SPDX-License-Identifier: MIT */
/* rules_parse.c - see rules_parse.h: keys, which of them go together, and what is wrong where. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include "calls.h"
#include "record.h"
#include "rules_cursor.h"
#include "words.h"

#define SECOND 1000000000ull

/* ---- words ------------------------------------------------------------------------------------
 */

struct word {
	char name[16];
	int number;
};

#define X(n) {#n, n},
static const struct word errors[] = {WORDS_ERRORS(X)};
static const struct word signals[] = {WORDS_SIGNALS(X)};
#undef X
#define ERRORS (sizeof(errors) / sizeof(errors[0]))
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static const char *const pers[] = {
#define X(n) #n,
	RULE_PERS(X)
#undef X
};

static const char *const actions[RULE_ACTIONS] = {
	[RULE_none] = "",         [RULE_inject] = "inject", [RULE_retry] = "retry",
	[RULE_ignore] = "ignore", [RULE_note] = "note",
};

const char *rules_action_name(unsigned action)
{
	return action < RULE_ACTIONS ? actions[action] : "?";
}

const char *rules_error_name(int error)
{
	for (size_t i = 0; i < ERRORS; i++)
		if (errors[i].number == error)
			return errors[i].name;
	return NULL;
}

int rules_error_number(const char *name, size_t length)
{
	for (size_t i = 0; i < ERRORS; i++)
		if (strlen(errors[i].name) == length && !memcmp(errors[i].name, name, length))
			return errors[i].number;
	return 0;
}

/* ---- what is wrong ----------------------------------------------------------------------------
 */

static void append(struct rules_error *e, const char *s, size_t n)
{
	size_t at = strlen(e->message);

	if (n > sizeof(e->message) - 1 - at)
		n = sizeof(e->message) - 1 - at;
	memcpy(e->message + at, s, n);
	e->message[at + n] = '\0';
}

int cursor_wrong(struct cursor *c, size_t from, const char *before, const char *word, size_t length,
		 const char *after)
{
	struct rules_error *e = c->error;

	e->column = (unsigned)from + 1;
	e->length = c->at > from ? (unsigned)(c->at - from) : 1;
	e->message[0] = '\0';
	append(e, before, strlen(before));
	if (word) {
		append(e, "\"", 1);
		append(e, word, length);
		append(e, "\"", 1);
	}
	append(e, after, strlen(after));
	return -EINVAL;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Edits from a to b; UINT_MAX when one is too long to be a word. */
static unsigned distance(const char *a, size_t length, const char *b)
{
	unsigned row[40], diagonal, above;
	size_t n = strlen(b);

	if (n >= 40 || length >= 40)
		return UINT_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < length; i++) {
		diagonal = row[0];
		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < n; j++) {
			above = row[j + 1];
			row[j + 1] = least(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[n];
}

const char *cursor_nearest(const char *word, size_t length, const char *const *words, size_t count)
{
	unsigned best = (unsigned)length / 2 + 2;
	const char *near = NULL;

	for (size_t i = 0; i < count; i++) {
		unsigned d = distance(word, length, words[i]);

		if (d < best) {
			best = d;
			near = words[i];
		}
	}
	return near;
}

int cursor_unknown(struct cursor *c, size_t from, const char *what, const char *const *words,
		   size_t count)
{
	const char *word = c->text + from;
	size_t length = c->at - from;
	const char *near = cursor_nearest(word, length, words, count);

	cursor_wrong(c, from, "unknown ", NULL, 0, what);
	append(c->error, " \"", 2);
	append(c->error, word, length);
	append(c->error, "\"", 1);
	if (near) {
		append(c->error, "; did you mean \"", 16);
		append(c->error, near, strlen(near));
		append(c->error, "\"?", 2);
	}
	return -EINVAL;
}

static int find_word(struct cursor *c, const char *what, const struct word *list, size_t count,
		     uint16_t *ret)
{
	const char *words[ERRORS];
	size_t from = c->at;

	while (!cursor_ended(c))
		c->at++;
	for (size_t i = 0; i < count; i++) {
		words[i] = list[i].name;
		if (strlen(list[i].name) == c->at - from &&
		    !memcmp(list[i].name, c->text + from, c->at - from)) {
			*ret = (uint16_t)list[i].number;
			return 0;
		}
	}
	return cursor_unknown(c, from, what, words, count);
}

/* ---- keys -------------------------------------------------------------------------------------
 */

struct key {
	char name[16];
	unsigned actions;
	uint16_t flag; /* what the key alone says */
	/* Takes the value; NULL: there is none. `field` is of struct rule. */
	int (*set)(struct cursor *c, struct rule *r, void *field, size_t size);
	size_t at, size;
};

static int set_error(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)r, (void)size;
	return find_word(c, "error", errors, ERRORS, field);
}

static int set_signal(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)r, (void)size;
	return find_word(c, "signal", signals, SIGNALS, field);
}

static int set_retval(struct cursor *c, struct rule *r, void *field, size_t size)
{
	bool minus = cursor_take(c, '-');
	uint64_t n = 0;
	int error = values_number(c, INT64_MAX, &n);

	(void)field, (void)size;
	r->retval = minus ? -(int64_t)n : (int64_t)n;
	return error;
}

static int set_short(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)field, (void)size;
	if (!strncmp(c->text + c->at, "half", 4)) {
		c->at += 4;
		r->flags |= RULE_HALF;
		r->short_bytes = 1;
		return 0;
	}
	return values_number(c, UINT32_MAX, &r->short_bytes);
}

static int set_when(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)field, (void)size;
	return values_when(c, r);
}

static int set_per(struct cursor *c, struct rule *r, void *field, size_t size)
{
	size_t from = c->at;

	(void)field, (void)size;
	while (!cursor_ended(c))
		c->at++;
	for (unsigned i = 0; i < PER_COUNT; i++)
		if (strlen(pers[i]) == c->at - from &&
		    !memcmp(pers[i], c->text + from, c->at - from)) {
			r->per = (uint8_t)i;
			return 0;
		}
	return cursor_unknown(c, from, "scope of counting", pers, PER_COUNT);
}

static int set_chance(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)r, (void)size;
	return values_chance(c, field);
}

static int set_addr(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)field, (void)size;
	return values_addr(c, r);
}

static int set_kinds(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)r, (void)size;
	return values_kinds(c, field);
}

static int set_pid(struct cursor *c, struct rule *r, void *field, size_t size)
{
	uint64_t n = 0;
	int error = values_number(c, INT32_MAX, &n);

	(void)field, (void)size;
	r->pid = (uint32_t)n;
	return error;
}

static int set_stack(struct cursor *c, struct rule *r, void *field, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t from = c->at;
	const char *d;

	(void)field, (void)size;
	for (r->stack = 0; cursor_now(c) && (d = strchr(digits, cursor_now(c))); c->at++)
		r->stack = r->stack << 4 | (uint64_t)(d - digits);
	if (c->at - from > 16 || !r->stack || !cursor_ended(c))
		return cursor_wrong(c, from, "expected the key of a stack: 1 to 16 digits 0-9a-f",
				    NULL, 0, "");
	return 0;
}

static int set_budget(struct cursor *c, struct rule *r, void *field, size_t size)
{
	int error = values_time(c, 0, field);

	(void)size;
	if (!error && cursor_take(c, '/'))
		error = values_time(c, 0, &r->window_ns);
	return error;
}

static int set_time(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)r, (void)size;
	return values_time(c, 0, field);
}

/* As in strace, a bare number is microseconds. */
static int set_delay(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)r, (void)size;
	return values_time(c, 1000, field);
}

static int set_text(struct cursor *c, struct rule *r, void *field, size_t size)
{
	(void)r;
	return values_text(c, field, size);
}

#define I (1u << RULE_inject)
#define R (1u << RULE_retry)
#define ALL (I | R | 1u << RULE_ignore | 1u << RULE_note)
#define AT(field) offsetof(struct rule, field), sizeof(((struct rule *)0)->field)

static const struct key keys[] = {
	{"error", I, RULE_ERROR, set_error, AT(error)},
	{"retval", I, RULE_RETVAL, set_retval, AT(retval)},
	{"short", I, 0, set_short, AT(short_bytes)},
	{"signal", I, 0, set_signal, AT(signo)},
	{"delay_enter", I, 0, set_delay, AT(delay_enter_ns)},
	{"delay_exit", I, 0, set_delay, AT(delay_exit_ns)},
	{"for", R, 0, set_time, AT(for_ns)},
	{"budget", R, 0, set_budget, AT(budget_ns)},
	{"whole", R, RULE_WHOLE, NULL, 0, 0},
	{"timeouts", R, RULE_TIMEOUTS, NULL, 0, 0},
	{"when", ALL, 0, set_when, AT(first)},
	{"per", ALL, 0, set_per, AT(per)},
	{"p", ALL, 0, set_chance, AT(p)},
	{"path", ALL, 0, set_text, AT(path)},
	{"addr", ALL, 0, set_addr, AT(addr)},
	{"kind", ALL, 0, set_kinds, AT(kinds)},
	{"comm", ALL, 0, set_text, AT(comm)},
	{"exe", ALL, 0, set_text, AT(exe)},
	{"pid", ALL, 0, set_pid, AT(pid)},
	{"module", ALL, 0, set_text, AT(module)},
	{"function", ALL, 0, set_text, AT(function)},
	{"caller", ALL, 0, set_text, AT(caller)},
	{"stack", ALL, 0, set_stack, AT(stack)},
	{"after", ALL, 0, set_time, AT(after_ns)},
	{"until", ALL, 0, set_time, AT(until_ns)},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static int unknown_key(struct cursor *c, size_t from)
{
	const char *words[KEYS];

	for (size_t i = 0; i < KEYS; i++)
		words[i] = keys[i].name;
	return cursor_unknown(c, from, "key", words, KEYS);
}

static int take_key(struct cursor *c, struct rule *r, uint32_t *seen)
{
	size_t from = c->at, i = 0;
	const struct key *k;
	int error;

	while (!cursor_ended(c) && cursor_now(c) != '=')
		c->at++;
	while (i < KEYS && (strlen(keys[i].name) != c->at - from ||
			    memcmp(keys[i].name, c->text + from, c->at - from)))
		i++;
	if (i == KEYS)
		return unknown_key(c, from);
	k = &keys[i];
	if (!(k->actions & 1u << r->action))
		return cursor_wrong(c, from, "", k->name, strlen(k->name),
				    " does not go with this kind of rule");
	if (*seen & 1u << i)
		return cursor_wrong(c, from, "", k->name, strlen(k->name), " is there twice");
	*seen |= 1u << i;
	r->flags |= k->flag;
	if (!k->set)
		return cursor_ended(c) ? 0
				       : cursor_wrong(c, from, "", k->name, strlen(k->name),
						      " takes no value");
	if (!cursor_take(c, '='))
		return cursor_wrong(c, from, "expected = and a value after ", k->name,
				    strlen(k->name), "");
	from = c->at;
	error = k->set(c, r, (char *)r + k->at, k->size);
	if (!error && !cursor_ended(c)) {
		while (!cursor_ended(c))
			c->at++;
		return cursor_wrong(c, from, "cannot be understood as a value of ", k->name,
				    strlen(k->name), "");
	}
	return error;
}

/* ---- a whole rule -----------------------------------------------------------------------------
 */

static int whole(struct cursor *c, struct rule *r)
{
	bool does = r->flags & (RULE_ERROR | RULE_RETVAL) || r->short_bytes || r->signo ||
		    r->delay_enter_ns || r->delay_exit_ns;

	if (r->action == RULE_inject && !does)
		return cursor_wrong(c, c->at,
				    "this rule does nothing: add error=, retval=, short=, signal=, "
				    "delay_enter= or delay_exit=",
				    NULL, 0, "");
	if (r->flags & RULE_ERROR && r->flags & RULE_RETVAL)
		return cursor_wrong(c, 0, "error= and retval= exclude each other", NULL, 0, "");
	if (r->until_ns && r->until_ns <= r->after_ns)
		return cursor_wrong(c, 0, "until= is not later than after=", NULL, 0, "");
	if (r->action != RULE_retry)
		return 0;
	if (!r->for_ns)
		r->for_ns = SECOND;
	if (!r->budget_ns)
		r->budget_ns = 30 * SECOND;
	if (!r->window_ns)
		r->window_ns = 60 * SECOND;
	return 0;
}

int rules_parse(const char *text, enum rule_action action, struct rule *ret,
		struct rules_error *ret_error)
{
	struct cursor c = {.text = text, .error = ret_error};
	struct rule r = {.action = (uint8_t)action, .last = UINT64_MAX, .first = 1, .step = 1};
	size_t n = strlen(text);
	uint32_t seen = 0;
	int error;

	if (n >= sizeof(r.text))
		return cursor_wrong(&c, sizeof(r.text), "the rule is too long", NULL, 0, "");
	error = calls_set(&c, r.calls);
	while (!error && cursor_take(&c, ':'))
		error = take_key(&c, &r, &seen);
	if (!error && cursor_now(&c))
		error = cursor_wrong(&c, c.at, "expected : or the end", NULL, 0, "");
	if (!error)
		error = whole(&c, &r);
	if (error)
		return error;
	memcpy(r.text, text, n + 1);
	*ret = r;
	return 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int rules_parse_line(const char *line, struct rule *ret, struct rules_error *ret_error)
{
	struct cursor c = {.text = line, .error = ret_error};
	char text[sizeof(ret->text) + 64];
	size_t from, n;
	unsigned a = 1;
	int error;

	while (blank(cursor_now(&c)))
		c.at++;
	if (!cursor_now(&c) || cursor_now(&c) == '#')
		return 1;
	from = c.at;
	while (cursor_now(&c) && !blank(cursor_now(&c)))
		c.at++;
	while (a < RULE_ACTIONS &&
	       (strlen(actions[a]) != c.at - from || memcmp(actions[a], line + from, c.at - from)))
		a++;
	if (a == RULE_ACTIONS)
		return cursor_unknown(&c, from, "action", actions + 1, RULE_ACTIONS - 1);
	while (blank(cursor_now(&c)))
		c.at++;
	n = strlen(line + c.at);
	while (n && blank(line[c.at + n - 1]))
		n--;
	if (n >= sizeof(text))
		return cursor_wrong(&c, c.at, "the rule is too long", NULL, 0, "");
	memcpy(text, line + c.at, n);
	text[n] = '\0';
	error = rules_parse(text, (enum rule_action)a, ret, ret_error);
	if (error)
		ret_error->column += (unsigned)c.at;
	return error;
}

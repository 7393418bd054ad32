/* SPDX-License-Identifier: MIT */
/* rules_cursor.h - where the parser is in its text, and how it says what is wrong there. */
#ifndef COMMON_RULES_CURSOR_H
#define COMMON_RULES_CURSOR_H

#include <stdbool.h>
#include "rules_parse.h"

struct cursor {
	const char *text;
	size_t at;
	struct rules_error *error;
};

static inline char cursor_now(const struct cursor *c)
{
	return c->text[c->at];
}

/* A part ends at ':' or at the end of the text. */
static inline bool cursor_ended(const struct cursor *c)
{
	return !cursor_now(c) || cursor_now(c) == ':';
}

static inline bool cursor_take(struct cursor *c, char what)
{
	if (cursor_now(c) != what)
		return false;
	c->at++;
	return true;
}

/* Record "<message>" for [from, at); always -EINVAL. Three %s: text, and one that may be NULL. */
int cursor_wrong(struct cursor *c, size_t from, const char *before, const char *word, size_t length,
		 const char *after);
/* The best of `words` for a misspelt one, or NULL when none is near. */
const char *cursor_nearest(const char *word, size_t length, const char *const *words, size_t count);
/* The same, as an error: "unknown <what> "word"; did you mean "near"?". */
int cursor_unknown(struct cursor *c, size_t from, const char *what, const char *const *words,
		   size_t count);

/* ---- rules_values.c: each stands at a value and leaves the cursor behind it. 0 or -EINVAL. -----
 */

int values_number(struct cursor *c, uint64_t most, uint64_t *ret);
/* "2s", "500ms", "10us", "7ns"; without a unit it is in `bare_ns`, 0: a unit is needed. */
int values_time(struct cursor *c, uint64_t bare_ns, uint64_t *ret_ns);
/* first[..last][+[step]] */
int values_when(struct cursor *c, struct rule *r);
/* 0 < p <= 1, or a percentage. */
int values_chance(struct cursor *c, uint32_t *ret);
/* A.B.C.D[/bits][:port[-port]], [IPv6[/bits]][:port[-port]], *:port */
int values_addr(struct cursor *c, struct rule *r);
/* kind{,kind}: names of RECORD_KINDS; "unix", "socket" and "pipe" stand for all their sorts. */
int values_kinds(struct cursor *c, uint64_t *ret);
/* Text up to ':'; "..." and \ quote. Terminated in ret[size]. */
int values_text(struct cursor *c, char *ret, size_t size);

/* ---- rules_calls.c -----------------------------------------------------------------------------
 */

int calls_set(struct cursor *c, uint64_t *ret_calls);

#endif

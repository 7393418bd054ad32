/* SPDX-License-Identifier: MIT */
/*
 * rules_stack.c - module=, function=, caller= and stack=: conditions on who calls. Answers are kept
 * per stack, so that a stack is looked at once for each rule.
 */
#include <string.h>
#include "rules.h"
#include "rules_symbols.h"
#include "stack_key.h"
#include "store.h"

#define CACHE 1024u

static const struct record_module *module_of(uint64_t pc)
{
	const struct record_module *m = store_part(PART_modules);

	for (uint64_t i = store.head->part[PART_modules].used; i-- > 0;)
		if (pc >= m[i].start && pc < m[i].end && m[i].to == UINT32_MAX)
			return &m[i];
	return NULL;
}

/* The last component of a module's path, terminated. */
static void base_name(const struct record_module *m, char *ret, size_t size)
{
	const struct record_string *s = m && m->path ? store_string_at(m->path) : NULL;
	size_t n = s ? s->bytes : 0, from = n;

	while (from && s->data[from - 1] != '/')
		from--;
	n -= from;
	if (n >= size)
		n = size - 1;
	if (n)
		memcpy(ret, s->data + from, n);
	ret[n] = '\0';
}

/* A clone of the compiler's, "name.part.0", is its function too. */
static bool glob_function(const char *pattern, const char *name)
{
	char cut[128];
	size_t n = strcspn(name, ".@");

	if (rules_glob(pattern, name))
		return true;
	if (!name[n] || n >= sizeof(cut))
		return false;
	memcpy(cut, name, n);
	cut[n] = '\0';
	return rules_glob(pattern, cut);
}

static bool frame_matches(const char *module, const char *function, uint64_t pc)
{
	const struct record_module *m;
	char name[128];

	/* A return address lies behind its call. */
	pc = pc & STACK_PC_EXACT ? pc & ~STACK_PC_EXACT : pc - 1;
	m = module_of(pc);
	if (*module) {
		base_name(m, name, sizeof(name));
		if (!rules_glob(module, name))
			return false;
	}
	if (*function &&
	    !(m && rules_symbol(m, pc, name, sizeof(name)) && glob_function(function, name)))
		return false;
	return true;
}

static bool look(const struct rule *r, struct rules_in *in)
{
	bool any = !*r->module && !*r->function;

	if (r->stack && rules_stack_key(in) != r->stack)
		return false;
	if (*r->caller && (!in->depth || !frame_matches("", r->caller, in->pc[0])))
		return false;
	for (unsigned i = 0; i < in->depth && !any; i++)
		any = frame_matches(r->module, r->function, in->pc[i]);
	return any;
}

bool rules_stack_match(const struct rule *r, struct rules_in *in)
{
	static uint64_t cache[CACHE];
	uint64_t known, key, *place;
	bool answer;

	if (!*r->module && !*r->function && !*r->caller && !r->stack)
		return true;
	rules_need(in, RULES_STACK);
	place = &cache[(in->stack ^ r->id * 40503u) % CACHE];
	key = (uint64_t)in->stack << 32 | (uint64_t)(r->id & 0x7fffffffu) << 1;
	known = record_peek(place);
	if (in->stack && (known | 1) == (key | 1))
		return known & 1;
	answer = look(r, in);
	record_poke(place, key | answer);
	return answer;
}

static uint64_t hash_frames(struct rules_in *in)
{
	uint64_t key = stack_key_begin(in->depth);
	char name[128];

	for (unsigned i = 0; i < in->depth; i++) {
		uint64_t pc = in->pc[i] & ~STACK_PC_EXACT;
		const struct record_module *m = module_of(pc - 1);

		base_name(m, name, sizeof(name));
		key = stack_key_add(key, name, m ? pc - m->bias : 0);
	}
	return stack_key_end(key);
}

uint64_t rules_stack_key(struct rules_in *in)
{
	static struct {
		uint64_t key;
		uint32_t stack;
	} cache[CACHE], *place;
	uint64_t key;

	if (!in->depth)
		return 0;
	place = &cache[in->stack % CACHE];
	if (in->stack && record_observe(&place->stack) == in->stack) {
		key = record_peek(&place->key);
		/* Pairs with the publish below: same id before and after, so the key is its. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (record_peek(&place->stack) == in->stack)
			return key;
	}
	key = hash_frames(in);
	record_poke(&place->stack, 0);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* nobody finds the old id with the new key */
	record_poke(&place->key, key);
	record_publish(&place->stack, in->stack);
	return key;
}

/* SPDX-License-Identifier: MIT */
/* api_text.c - see api_text.h. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include "api_text.h"
#include "calls.h"
#include "rules_parse.h"
#include "store.h"

static const char *const kinds[KIND_COUNT] = {
#define X(n, s) [KIND_##n] = s,
	RECORD_KINDS(X)
#undef X
};

const char *api_call_name(unsigned call)
{
	return rules_call_name(call);
}

const char *api_kind_name(unsigned kind)
{
	return kinds[kind < KIND_COUNT ? kind : KIND_unknown];
}

static void put(struct api_text *t, const char *s, size_t n)
{
	if (n > t->size - 1 - t->n)
		n = t->size - 1 - t->n;
	memcpy(t->s + t->n, s, n);
	t->n += n;
	t->s[t->n] = '\0';
}

void api_put(struct api_text *t, const char *s)
{
	put(t, s, strlen(s));
}

void api_put_number(struct api_text *t, uint64_t n, unsigned base)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	put(t, digits + at, sizeof(digits) - at);
}

/* ---- targets ----------------------------------------------------------------------------------
 */

static void put_port(struct api_text *t, uint16_t port)
{
	const uint8_t *b = (const uint8_t *)&port;

	api_put(t, ":");
	api_put_number(t, (uint64_t)b[0] << 8 | b[1], 10);
}

static void put_four(struct api_text *t, const struct sockaddr_in *a)
{
	const uint8_t *b = (const uint8_t *)&a->sin_addr;

	for (unsigned i = 0; i < 4; i++) {
		api_put(t, i ? "." : "");
		api_put_number(t, b[i], 10);
	}
	put_port(t, a->sin_port);
}

/* All eight groups: what is equal looks equal. */
static void put_six(struct api_text *t, const struct sockaddr_in6 *a)
{
	const uint8_t *b = a->sin6_addr.s6_addr;

	api_put(t, "[");
	for (unsigned i = 0; i < 16; i += 2) {
		api_put(t, i ? ":" : "");
		api_put_number(t, (uint64_t)b[i] << 8 | b[i + 1], 16);
	}
	api_put(t, "]");
	put_port(t, a->sin6_port);
}

static void put_address(struct api_text *t, const void *data, size_t bytes)
{
	struct sockaddr_storage a = {0};

	memcpy(&a, data, bytes < sizeof(a) ? bytes : sizeof(a));
	if (a.ss_family == AF_INET)
		put_four(t, (const void *)&a);
	else if (a.ss_family == AF_INET6)
		put_six(t, (const void *)&a);
	else if (a.ss_family == AF_UNIX && bytes > 3) { /* abstract */
		api_put(t, "@");
		put(t, (const char *)data + 3, bytes - 3);
	} else {
		api_put(t, "address family ");
		api_put_number(t, a.ss_family, 10);
	}
}

void api_put_string(struct api_text *t, uint32_t id)
{
	const struct record_string *s = id ? store_string_at(id) : NULL;
	size_t from = 0;
	uint32_t dir = 0;

	if (s && s->type == STRING_addr) {
		put_address(t, s->data, s->bytes);
		return;
	}
	if (s && s->type == STRING_path_at) { /* its directory is an older string */
		memcpy(&dir, s->data, sizeof(dir));
		from = sizeof(dir);
		if (dir) {
			api_put_string(t, dir);
			api_put(t, "/");
		}
	}
	if (s && s->bytes >= from)
		put(t, s->data + from, s->bytes - from);
}

/* ---- stacks -----------------------------------------------------------------------------------
 */

static const struct record_module *module_of(uint64_t pc, uint32_t epoch)
{
	const struct record_module *m = store_part(PART_modules);
	uint64_t count = record_observe(&store.head->part[PART_modules].used);

	for (uint64_t i = count; i-- > 0;)
		if (pc >= m[i].start && pc < m[i].end && epoch >= m[i].from && epoch < m[i].to)
			return &m[i];
	return NULL;
}

/* Of a return address the call before it, so that addr2line names the right line. */
static void put_frame(struct api_text *t, uint64_t pc, uint32_t epoch)
{
	uint64_t at = pc & STACK_PC_EXACT ? pc & ~STACK_PC_EXACT : pc - 1;
	const struct record_module *m = module_of(at, epoch);

	if (m)
		api_put_string(t, m->path);
	api_put(t, m ? "+0x" : "0x");
	api_put_number(t, at - (m ? m->bias : 0), 16);
	api_put(t, "\n");
}

void api_put_stack(struct api_text *t, uint32_t id)
{
	const uint8_t *stacks = store_part(PART_stacks);
	const struct record_stack *s = (const void *)(stacks + (uint64_t)id * 8);

	for (unsigned i = 0; id && i < s->depth; i++)
		put_frame(t, s->pc[i], s->epoch);
	if (id && s->flags & (STACK_CUT | STACK_LOST))
		api_put(t, "...\n");
}

/* SPDX-License-Identifier: MIT */
/* store_text.c - see store_text.h. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include "store.h"
#include "store_text.h"

const char *store_kind_name(unsigned kind)
{
	static const char names[KIND_COUNT][20] = {
#define X(n, s) [KIND_##n] = s,
		RECORD_KINDS(X)
#undef X
	};

	return names[kind < KIND_COUNT ? kind : KIND_unknown];
}

/* ---- targets ----------------------------------------------------------------------------------
 */

static void put_port(struct text *t, uint16_t port)
{
	const uint8_t *b = (const uint8_t *)&port;

	text_put(t, ":");
	text_put_number(t, (uint64_t)b[0] << 8 | b[1], 10);
}

static void put_four(struct text *t, const struct sockaddr_in *a)
{
	const uint8_t *b = (const uint8_t *)&a->sin_addr;

	for (unsigned i = 0; i < 4; i++) {
		text_put(t, i ? "." : "");
		text_put_number(t, b[i], 10);
	}
	put_port(t, a->sin_port);
}

/* All eight groups: what is equal looks equal. */
static void put_six(struct text *t, const struct sockaddr_in6 *a)
{
	const uint8_t *b = a->sin6_addr.s6_addr;

	text_put(t, "[");
	for (unsigned i = 0; i < 16; i += 2) {
		text_put(t, i ? ":" : "");
		text_put_number(t, (uint64_t)b[i] << 8 | b[i + 1], 16);
	}
	text_put(t, "]");
	put_port(t, a->sin6_port);
}

static void put_address(struct text *t, const void *data, size_t bytes)
{
	struct sockaddr_storage a = {0};

	memcpy(&a, data, bytes < sizeof(a) ? bytes : sizeof(a));
	if (a.ss_family == AF_INET)
		put_four(t, (const void *)&a);
	else if (a.ss_family == AF_INET6)
		put_six(t, (const void *)&a);
	else if (a.ss_family == AF_UNIX && bytes > 3) { /* abstract */
		text_put(t, "@");
		text_put_bytes(t, (const char *)data + 3, bytes - 3);
	} else {
		text_put(t, "address family ");
		text_put_number(t, a.ss_family, 10);
	}
}

void store_put_string(struct text *t, uint32_t id)
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
			store_put_string(t, dir);
			text_put(t, "/");
		}
	}
	if (s && s->bytes >= from)
		text_put_bytes(t, s->data + from, s->bytes - from);
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

void store_put_frame(struct text *t, uint64_t pc, uint32_t epoch)
{
	uint64_t at = pc & STACK_PC_EXACT ? pc & ~STACK_PC_EXACT : pc - 1;
	const struct record_module *m = module_of(at, epoch);

	if (m)
		store_put_string(t, m->path);
	text_put(t, m ? "+0x" : "0x");
	text_put_number(t, at - (m ? m->bias : 0), 16);
	text_put(t, "\n");
}

void store_put_stack(struct text *t, uint32_t id)
{
	const struct record_stack *s = store_stack_at(id);

	for (unsigned i = 0; id && i < s->depth; i++)
		store_put_frame(t, s->pc[i], s->epoch);
	if (id && s->flags & (STACK_CUT | STACK_LOST))
		text_put(t, "...\n");
}

/* SPDX-License-Identifier: MIT */
/*
 * exit_report.c - see exit_report.h. Runs inside exit(), after every destructor; formats into a
 * buffer on the stack and writes with raw system calls.
 */
#include <fcntl.h>
#include <string.h>
#include "calls.h"
#include "exit_report.h"
#include "slots.h"
#include "sysc.h"

struct out {
	long fd;
	size_t n;
	char buf[1024];
};

static const char *const call_names[CALL_COUNT] = {
	[CALL_NONE] = "?",
#define CALL_IO(name, ...) [CALL_##name] = #name,
#define CALL_FD(name, ...) [CALL_##name] = #name,
#define CALL_WAIT(name, ...) [CALL_##name] = #name,
#define CALL_TRY(name, ...) [CALL_##name] = #name,
#define SPECIAL(name, ...) [CALL_##name] = #name,
#include "calls.def"
};

static const char *const kind_names[KIND_COUNT] = {
#define X(n, s) [KIND_##n] = s,
	RECORD_KINDS(X)
#undef X
};

static void flush(struct out *o)
{
	sysc(SYS_write, o->fd, o->buf, o->n);
	o->n = 0;
}

static void put(struct out *o, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (o->n == sizeof(o->buf))
			flush(o);
		o->buf[o->n++] = s[i];
	}
}

static void put_text(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

static void put_number(struct out *o, uint64_t v, unsigned base)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put(o, digits + at, sizeof(digits) - at);
}

/* Absolute paths and texts as they are; a relative path without its directory. */
static void put_string(struct out *o, uint32_t id)
{
	const struct record_string *s = store_string_at(id);

	if (id && s->type == STRING_path_at)
		put(o, s->data + sizeof(uint32_t), s->bytes - sizeof(uint32_t));
	else if (id && s->type != STRING_addr)
		put(o, s->data, s->bytes);
}

static void put_frame(struct out *o, uint64_t pc)
{
	const struct record_module *m = store_part(PART_modules);

	pc &= ~STACK_PC_EXACT;
	put_text(o, "    ");
	for (uint64_t i = store.head->part[PART_modules].used; i-- > 0;) {
		if (pc < m[i].start || pc >= m[i].end || m[i].to != UINT32_MAX)
			continue;
		put_string(o, m[i].path);
		put_text(o, "+0x");
		put_number(o, pc - m[i].bias, 16);
		put_text(o, "\n");
		return;
	}
	put_text(o, "0x");
	put_number(o, pc, 16);
	put_text(o, "\n");
}

static void put_slot(struct out *o, int fd, const struct record_slot *s)
{
	const struct record_stack *t;

	put_text(o, "fdwhy: fd ");
	put_number(o, (uint64_t)fd, 10);
	put_text(o, " open at exit: ");
	put_text(o, s->kind < KIND_COUNT ? kind_names[s->kind] : "?");
	put_text(o, " ");
	put_string(o, s->target);
	put_text(o, " from ");
	put_text(o, s->call < CALL_COUNT ? call_names[s->call] : "?");
	put_text(o, "\n");
	if (!s->site || !store_site_at(s->site)->stack)
		return;
	t = (const void *)((const uint8_t *)store_part(PART_stacks) +
			   (uint64_t)store_site_at(s->site)->stack * 8);
	for (unsigned i = 0; i < t->depth; i++)
		put_frame(o, t->pc[i]);
}

static unsigned put_slots(struct out *o)
{
	unsigned open = 0;
	int end = slots_end();

	for (int fd = 0; fd < end; fd++) {
		const struct record_slot *s = slots_at(fd);

		if (!s || s->state != SLOT_open || s->flags & SLOT_INHERITED)
			continue;
		put_slot(o, fd, s);
		open++;
	}
	return open;
}

void exit_report(const char *where)
{
	struct out o = {.fd = 2};
	bool file = strcmp(where, "stderr") != 0;
	unsigned open;

	if (self_gate.state != SELF_ready || self_gate.seccomp)
		return;
	if (file)
		o.fd = sysc(SYS_openat, AT_FDCWD, where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			    0600);
	if (o.fd < 0)
		return;
	open = put_slots(&o);
	put_text(&o, "fdwhy: ");
	put_number(&o, open, 10);
	put_text(&o, open == 1 ? " fd" : " fds");
	put_text(&o, " open at exit, pid ");
	put_number(&o, store.head->pid, 10);
	put_text(&o, "\n");
	flush(&o);
	if (file)
		sysc(SYS_close, o.fd);
}

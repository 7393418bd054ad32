/* SPDX-License-Identifier: MIT */
/*
 * exit_report.c - see exit_report.h. Runs inside exit(), after every destructor; formats into a
 * buffer on the stack and writes with raw system calls.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include "call_table.h"
#include "exit_report.h"
#include "slots.h"
#include "store_text.h"
#include "sysc.h"

#define LINE_MAX_BYTES (PATH_MAX + 128)

struct out {
	long fd;
	char buf[2 * LINE_MAX_BYTES];
	struct text text;
};

static void flush(struct out *o)
{
	sysc(SYS_write, o->fd, o->text.s, o->text.n);
	o->text.n = 0;
}

/* Room for one more line. */
static struct text *line(struct out *o)
{
	if (o->text.size - o->text.n < LINE_MAX_BYTES)
		flush(o);
	return &o->text;
}

static void put_slot(struct out *o, int fd, const struct record_slot *s)
{
	const struct record_stack *stack;
	struct text *t = line(o);

	text_put(t, "fdwhy: fd ");
	text_put_number(t, (uint64_t)fd, 10);
	text_put(t, " open at exit: ");
	text_put(t, store_kind_name(s->kind));
	text_put(t, s->target ? " " : "");
	store_put_string(t, s->target);
	text_put(t, " from ");
	text_put(t, call_name(s->call));
	text_put(t, "\n");
	if (!s->site || !store_site_at(s->site)->stack)
		return;
	stack = store_stack_at(store_site_at(s->site)->stack);
	for (unsigned i = 0; i < stack->depth; i++) {
		text_put(line(o), "    ");
		store_put_frame(&o->text, stack->pc[i], stack->epoch);
	}
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
	struct out o;
	struct text *t = &o.text;
	bool file = strcmp(where, "stderr") != 0;
	unsigned open;

	if (self_gate.state != SELF_ready || self_gate.seccomp)
		return;
	o.fd = 2;
	o.text = (struct text){.s = o.buf, .size = sizeof(o.buf)};
	if (file)
		o.fd = sysc(SYS_openat, AT_FDCWD, where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			    0600);
	if (o.fd < 0)
		return;
	open = put_slots(&o);
	line(&o);
	text_put(t, "fdwhy: ");
	text_put_number(t, open, 10);
	text_put(t, open == 1 ? " fd" : " fds");
	text_put(t, " open at exit, pid ");
	text_put_number(t, store.head->pid, 10);
	text_put(t, "\n");
	flush(&o);
	if (file)
		sysc(SYS_close, o.fd);
}

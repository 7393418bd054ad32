/* SPDX-License-Identifier: MIT */
/* out_children.c - fds that were leaked into programs that the target started: text and JSON. */
#include "json_add.h"
#include "names.h"
#include "out_page.h"
#include "util.h"

#define SHOWN 3

/* How to open it so that it does not go through an exec. */
static const char *close_on_exec(uint16_t call)
{
	static const struct {
		uint16_t call;
		const char *how;
	} ways[] = {
		{CALL_accept, "accept4() with SOCK_CLOEXEC"},
		{CALL_accept4, "SOCK_CLOEXEC"},
		{CALL_socket, "SOCK_CLOEXEC"},
		{CALL_socketpair, "SOCK_CLOEXEC"},
		{CALL_pipe, "pipe2() with O_CLOEXEC"},
		{CALL_pipe2, "O_CLOEXEC"},
		{CALL_dup, "fcntl(F_DUPFD_CLOEXEC)"},
		{CALL_fcntl, "F_DUPFD_CLOEXEC"},
		{CALL_epoll_create, "epoll_create1(EPOLL_CLOEXEC)"},
		{CALL_epoll_create1, "EPOLL_CLOEXEC"},
		{CALL_eventfd, "EFD_CLOEXEC"},
		{CALL_timerfd_create, "TFD_CLOEXEC"},
		{CALL_signalfd, "SFD_CLOEXEC"},
		{CALL_inotify_init, "inotify_init1(IN_CLOEXEC)"},
		{CALL_inotify_init1, "IN_CLOEXEC"},
		{CALL_memfd_create, "MFD_CLOEXEC"},
		{CALL_recvmsg, "MSG_CMSG_CLOEXEC"},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i].call == call)
			return ways[i].how;
	return call_class(call) == CLASS_open ? "O_CLOEXEC" : "FD_CLOEXEC";
}

/* What goes wrong because it stays open. */
static const char *harm(const struct model_child_leak *c)
{
	if (c->listening)
		return "the address stays taken, and connections are made that nobody accepts";
	if (c->kind == KIND_pipe_write)
		return "whoever reads from it sees no end";
	if (c->kind == KIND_pipe_read)
		return "whoever writes to it gets no SIGPIPE";
	return "the peer is not told that it was closed (no FIN)";
}

static void print(struct out_page *p, const struct model_child_leak *c)
{
	char what[96];

	snprintf(what, sizeof(what), "%s of %s leaked into other programs:", names_kind(c->kind),
		 names_call_plain(c->call));
	out_page_heading(p, c->kept ? TERM_red : c->alive ? TERM_yellow : TERM_dim, what);
	fprintf(p->to, "%llu never used there, %llu still open%s%s\n     in ",
		(unsigned long long)c->fds, (unsigned long long)c->alive, c->target ? "; " : "",
		c->target ? c->target : "");
	out_page_pids(p, &c->pids);
	fputc('\n', p->to);
	if (c->kept)
		fprintf(p->to, "     %llu kept open by that alone: %s\n",
			(unsigned long long)c->kept, harm(c));
	fprintf(p->to, "     opened by %s %d at\n", p->m->processes[c->owner].comm,
		p->m->processes[c->owner].pid);
	out_page_stack(p, c->stack);
	fprintf(p->to, "     %sadvice:%s open it with %s, or close it between fork and exec\n",
		term_on(TERM_bold), term_off(), close_on_exec(c->call));
}

void out_children(struct out_page *p)
{
	unsigned left = p->o->all ? ~0u : SHOWN, hidden = 0;

	for (size_t i = 0; i < p->m->child_leaks_count; i++) {
		const struct model_child_leak *c = &p->m->child_leaks[i];

		if (c->suppressed || (p->o->call && p->o->call != c->call))
			continue;
		if (left && left-- && (c->alive || p->o->all))
			print(p, c);
		else
			hidden++;
	}
	if (hidden)
		fprintf(p->to, "\n    %u more place%s whose fds were leaked into programs: --all\n",
			hidden, util_plural(hidden, "s"));
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

struct json_object *out_children_json(const struct model *m, struct symbols *s)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->child_leaks_count; i++) {
		const struct model_child_leak *c = &m->child_leaks[i];
		struct json_object *o = json_object_new_object(), *pids = json_object_new_array();

		for (size_t k = 0; k < c->pids.count; k++)
			json_object_array_add(pids, json_object_new_int(c->pids.pid[k]));
		ADD(o, "call", c->call ? json_text(call_name(c->call)) : NULL);
		ADD(o, "kind", json_text(names_kind(c->kind)));
		ADD(o, "target", json_text(c->target));
		ADD(o, "fds", json_number(c->fds));
		ADD(o, "alive", json_number(c->alive));
		ADD(o, "kept", json_number(c->kept));
		ADD(o, "listening", json_object_new_boolean(c->listening));
		ADD(o, "harm", c->kept ? json_text(harm(c)) : NULL);
		ADD(o, "comm", json_text(c->comm));
		ADD(o, "pids", pids);
		ADD(o, "owner_pid", json_object_new_int(m->processes[c->owner].pid));
		ADD(o, "owner_comm", json_text(m->processes[c->owner].comm));
		ADD(o, "advice", json_text(close_on_exec(c->call)));
		ADD(o, "suppressed", json_text(c->suppressed));
		ADD(o, "stack", out_json_stack(m, s, c->stack));
		json_object_array_add(list, o);
	}
	return list;
}

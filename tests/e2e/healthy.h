/* SPDX-License-Identifier: MIT */
/* healthy.h - released daemons that leak nothing: how each is started and what its clients say. */
#ifndef E2E_HEALTHY_H
#define E2E_HEALTHY_H

#include "harness.h"

#define ARG(s) ((char *)(uintptr_t)(s))

/* Bytes of a protocol, zero bytes included. */
struct bytes {
	const char *at;
	size_t count;
};

/* "{dir}", "{port}", "{port2}", "{user}" and "{group}" in argv, conf and file stand for its own. */
struct healthy {
	const char *name;
	bool big;     /* only in the long run: a large package */
	bool as_root; /* cannot be run by others */
	const char *argv[16];
	const char *conf;   /* {dir}/conf */
	const char *runs;   /* as this user, when root */
	const char *before; /* a shell command, as that user */
	struct bytes greeting;
	struct bytes hello, hello_end;
	struct bytes request, answer_end;
	bool one_request; /* a connection */
	int round_ms;     /* a pause after each round: 0 a short one */
};

extern const struct healthy daemons[];
extern const size_t daemons_count;

#endif

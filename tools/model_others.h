/* SPDX-License-Identifier: MIT */
/* model_others.h - who is on the other side of a failed call: listener, holder, peer, reader. */
#ifndef TOOL_MODEL_OTHERS_H
#define TOOL_MODEL_OTHERS_H

#include "holder.h"
#include "model.h"

struct model_others;

/* Room for the words that explain_in points to. */
struct model_names {
	char peer[64], setter[64], peer_addr[64];
	struct holder holder;
};

/* What the kernel says now of sockets and pipes that calls failed on; looks through /proc once. */
struct model_others *model_others_find(const struct model *m);
void model_others_free(struct model_others *o);
/* Fills what `in` wants to know of the other side, and the same of *e. */
void model_others_of(const struct model *m, const struct model_others *o, struct model_eagain *e,
		     struct explain_in *in, struct model_names *names);

#endif

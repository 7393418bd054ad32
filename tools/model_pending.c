/* SPDX-License-Identifier: MIT */
/*
 * model_pending.c - failures of living processes that nothing has followed yet: since when, by the
 * slots of their fds. One whose fd was closed unseen does not count.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "model.h"
#include "record_read.h"

static bool is_open(const struct record *r, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/fd/%d", r->head.pid, fd);
	return !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW);
}

void model_pending(struct model *m, const struct record *r)
{
	struct record_slot s;
	int fd;

	for (uint64_t i = 0; record_slot(r, i, &fd, &s); i++) {
		const struct record_site *site =
			s.state == SLOT_open && s.failed ? record_site(r, s.failed - 1) : NULL;
		struct model_eagain *e;
		uint64_t since;

		if (!site || site->error != EAGAIN || !is_open(r, fd))
			continue;
		e = model_eagain_at(m, site->call, site->error, model_stack(m, r, site->stack));
		since = r->head.created_real_ns + (s.failed_ns - r->head.created_ns);
		if (!e->pending_since_ns || since < e->pending_since_ns)
			e->pending_since_ns = since;
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * probe_lock.c - the holder of a record lock, as the kernel tells it on the very fd that wanted the
 * lock (fcntl(2) F_GETLK). flock and open file description locks have no such question: the tool
 * looks for their holders by the file's dev and inode.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "calls.h"
#include "probe_parts.h"
#include "sysc.h"

static bool describe(const struct probe_in *in, struct flock *ret, int *ret_cmd)
{
	bool set = in->call == CALL_fcntl && in->flock;

	if (set) {
		memcpy(ret, in->flock, sizeof(*ret));
		*ret_cmd = in->lock_cmd == F_OFD_SETLK || in->lock_cmd == F_OFD_SETLKW ? F_OFD_GETLK
										       : F_GETLK;
		ret->l_pid = 0;
		return true;
	}
	if (in->call != CALL_lockf)
		return false;
	*ret = (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = (off_t)in->asked_bytes};
	*ret_cmd = F_GETLK;
	return true;
}

void probe_lock(const struct probe_in *in, struct record_facts *f)
{
	struct flock l;
	int cmd;

	if (!describe(in, &l, &cmd))
		return;
	f->range_start = (uint64_t)l.l_start;
	f->range_len = (uint64_t)l.l_len;
	f->have |= 1u << FACT_range;
	if (sysc(SYS_fcntl, in->fd, cmd, &l) || l.l_type == F_UNLCK)
		return;
	f->holder_exclusive = l.l_type == F_WRLCK;
	if (l.l_pid <= 0)
		return; /* an open file description lock belongs to no process */
	f->holder_pid = (uint32_t)l.l_pid;
	f->holder_via = 1;
	f->have |= 1u << FACT_holder;
}

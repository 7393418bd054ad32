/* SPDX-License-Identifier: MIT */
/*
 * wrap_ruled.h - how the rows of wrap.c can be cut short or continued: by the names of their
 * parameters. Each CALL_IO row has a line here; a row whose bytes mean nothing to rules says none.
 */
#ifndef SHIM_WRAP_RULED_H
#define SHIM_WRAP_RULED_H

#include <stdint.h>
#include "call.h"
#include "cut.h"

#define RULED_send buf
#define RULED_write buf
#define RULED_pwrite cut_only
#define RULED_sendmsg msg
#define RULED_sendmmsg vec
#define RULED_writev iov
#define RULED_pwritev iov_only
#define RULED_pwritev2 iov_only
#define RULED_recv cut_only
#define RULED___recv_chk cut_only
#define RULED_recvfrom cut_only
#define RULED___recvfrom_chk cut_only
#define RULED_read cut_only
#define RULED___read_chk cut_only
#define RULED_pread cut_only
#define RULED___pread_chk cut_only
#define RULED_readv iov_only
#define RULED_preadv iov_only
#define RULED_preadv2 iov_only
#define RULED_eventfd_write none
#define RULED_eventfd_read none
#define RULED_mq_send none
#define RULED_mq_timedsend none
#define RULED_mq_receive none
#define RULED_mq_timedreceive none
#define RULED_sendfile cut_only
#define RULED_copy_file_range cut_only
#define RULED_vmsplice none

/*
 * BEGIN_x: before the first try; ADJUST_x: before each; TOTAL_x: how many bytes were asked for,
 * looked at only once the kernel has accepted the pointers. x.done bytes are out already.
 */
#define BEGIN_none
#define ADJUST_none
#define TOTAL_none 0
#define TOTAL_cut_only 0
#define TOTAL_buf all
#define TOTAL_iov_only 0
#define TOTAL_iov cut_total(first, parts)
#define TOTAL_msg cut_total(first->msg_iov, first->msg_iovlen)
#define TOTAL_vec 0

#define BEGIN_cut_only const size_t all = n;
#define ADJUST_cut_only n = cut_limit(all, x.cut, x.half);

#define BEGIN_buf                \
	const char *first = buf; \
	const size_t all = n;
#define ADJUST_buf            \
	buf = first + x.done; \
	n = cut_limit(all - x.done, x.cut, x.half);

/* A vector that nothing shortens is passed as it is. */
#define BEGIN_iov_only                              \
	const struct iovec *const first = iov;      \
	const size_t parts = n > 0 ? (size_t)n : 0; \
	struct iovec room[CUT_IOVS];
#define ADJUST_iov_only                                                                       \
	if (x.cut || x.half || x.done) {                                                      \
		const size_t left = cut_total(first, parts) - x.done;                         \
		n = (int)cut_iov(first, parts, x.done, cut_limit(left, x.cut, x.half), room); \
		iov = room;                                                                   \
	}
#define BEGIN_iov BEGIN_iov_only
#define ADJUST_iov ADJUST_iov_only

#define BEGIN_msg                               \
	const struct msghdr *const first = msg; \
	struct msghdr copy;                     \
	struct iovec room[CUT_IOVS];
#define ADJUST_msg                                                                             \
	if (x.cut || x.half || x.done) {                                                       \
		copy = *first;                                                                 \
		copy.msg_iov = room;                                                           \
		copy.msg_iovlen = cut_iov(first->msg_iov, first->msg_iovlen, x.done,           \
					  cut_limit(TOTAL_msg - x.done, x.cut, x.half), room); \
		if (x.done) { /* fds and credentials went with the first part */               \
			copy.msg_control = NULL;                                               \
			copy.msg_controllen = 0;                                               \
		}                                                                              \
		msg = &copy;                                                                   \
	}

#define BEGIN_vec const unsigned all = n;
#define ADJUST_vec n = (unsigned)cut_limit(all, x.cut, x.half);

#endif

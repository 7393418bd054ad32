/* SPDX-License-Identifier: MIT */
/* cut.h - arguments of a shortened call: fewer bytes, or what is left after a partial send. Data
 * in, data out; no call is made here. */
#ifndef SHIM_CUT_H
#define SHIM_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#define CUT_IOVS 64 /* more are left for the next call, as the kernel might */

/* How much of `total` a rule leaves: short=`cut` (0: all), short=half. At least 1 of what there is.
 */
size_t cut_limit(size_t total, size_t cut, bool half);
size_t cut_total(const struct iovec *iov, size_t count);
/* The bytes [skip, skip + limit) of a vector in ret[CUT_IOVS]; returns the count. */
size_t cut_iov(const struct iovec *iov, size_t count, size_t skip, size_t limit, struct iovec *ret);

#endif

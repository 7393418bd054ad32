/* SPDX-License-Identifier: MIT */
/* cut.c - see cut.h. Called by wrappers of calls for which a rule is armed. */
#include "cut.h"

size_t cut_limit(size_t total, size_t cut, bool half)
{
	if (half)
		return total > 1 ? total / 2 : total;
	return cut && cut < total ? cut : total;
}

size_t cut_total(const struct iovec *iov, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += iov[i].iov_len;
	return total;
}

size_t cut_iov(const struct iovec *iov, size_t count, size_t skip, size_t limit, struct iovec *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < count && limit && n < CUT_IOVS; i++) {
		size_t length = iov[i].iov_len, take;

		if (skip >= length) {
			skip -= length;
			continue;
		}
		take = length - skip < limit ? length - skip : limit;
		ret[n].iov_base = (char *)iov[i].iov_base + skip;
		ret[n++].iov_len = take;
		limit -= take;
		skip = 0;
	}
	return n;
}

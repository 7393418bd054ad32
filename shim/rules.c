/* SPDX-License-Identifier: MIT */
/*
 * rules.c - picks the rule that acts on a call. Conditions are tried from the cheap to the dear:
 * call, time, process, kind, target, stack; then the match is counted.
 */
#include <endian.h>
#include <netinet/in.h>
#include <string.h>
#include "rules.h"
#include "rules_count.h"
#include "record.h"

bool rules_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *back = text;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			back = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* A pattern without a slash is about the last component. */
static bool glob_file(const char *pattern, const char *path)
{
	const char *slash = strchr(pattern, '/') ? NULL : strrchr(path, '/');

	return rules_glob(pattern, slash ? slash + 1 : path);
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole))
		return false;
	return !rest || !((a[whole] ^ b[whole]) >> (8 - rest));
}

static bool match_addr(const struct rule *r, struct rules_in *in)
{
	const struct sockaddr_in *four = (const void *)in->addr;
	const struct sockaddr_in6 *six = (const void *)in->addr;
	uint16_t port;
	const void *host;

	if (!r->family && !r->port_last)
		return true;
	rules_need(in, RULES_TARGET);
	if (!in->addr || in->addr_bytes < sizeof(sa_family_t))
		return false;
	if (in->addr->sa_family == AF_INET && in->addr_bytes >= sizeof(*four)) {
		port = four->sin_port;
		host = &four->sin_addr;
	} else if (in->addr->sa_family == AF_INET6 && in->addr_bytes >= sizeof(*six)) {
		port = six->sin6_port;
		host = &six->sin6_addr;
	} else {
		return false;
	}
	port = be16toh(port);
	if (r->port_last && (port < r->port_first || port > r->port_last))
		return false;
	return !r->family ||
	       (r->family == in->addr->sa_family && bits_equal(r->addr, host, r->prefix));
}

bool rules_match(const struct rule *r, struct rules_in *in)
{
	if (!(r->calls[in->call / 64] >> in->call % 64 & 1))
		return false;
	if (r->pid && r->pid != in->pid)
		return false;
	if (*r->comm && !rules_glob(r->comm, in->comm))
		return false;
	if (r->kinds && !(r->kinds >> in->kind & 1))
		return false;
	if (*r->exe)
		rules_need(in, RULES_EXE);
	if (*r->exe && !glob_file(r->exe, in->exe))
		return false;
	if (*r->path)
		rules_need(in, RULES_TARGET);
	if (*r->path && !(*in->path && rules_glob(r->path, in->path)))
		return false;
	return match_addr(r, in);
}

static bool in_time(const struct rule *r, uint64_t now_ns)
{
	uint64_t age = now_ns > rules_map.began_ns ? now_ns - rules_map.began_ns : 0;

	return age >= r->after_ns && (!r->until_ns || age < r->until_ns);
}

/* A copy that was not changed while it was made. */
static bool copy_rule(unsigned place, struct rule *ret)
{
	const struct rule *r = &rules_map.rules[place];
	uint32_t seq = record_observe(&r->seq); /* pairs with the writer's second increment */

	if (seq & 1)
		return false;
	memcpy(ret, r, sizeof(*ret));
	__atomic_thread_fence(__ATOMIC_ACQUIRE); /* the copy is read before seq is again */
	return record_peek(&r->seq) == seq && ret->id;
}

/* Spares most copies; rules_match() decides. */
static bool is_about(unsigned place, uint16_t call)
{
	return record_peek(&rules_map.rules[place].calls[call / 64]) >> call % 64 & 1;
}

bool rules_pick(struct rules_in *in, enum rule_action action, struct rules_pick *ret)
{
	uint32_t end = record_peek(&rules_map.end);
	bool found = false;

	for (unsigned i = 0; i < end && i < RULES_MAX; i++) {
		struct rule one;
		struct rule *r = found ? &one : &ret->rule;

		if (rules_map.rules[i].action != action || !is_about(i, in->call) ||
		    !copy_rule(i, r))
			continue;
		if (!rules_match(r, in) || !in_time(r, in->now_ns) || !rules_stack_match(r, in))
			continue;
		if (!rules_count(r, i, in) || found)
			continue;
		found = true;
		ret->place = i;
	}
	return found;
}

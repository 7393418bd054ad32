/* SPDX-License-Identifier: MIT */
/* rules_values.c - the values of rules: numbers, times, chances, addresses, kinds, patterns. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "record.h"
#include "rules_cursor.h"

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

int values_number(struct cursor *c, uint64_t most, uint64_t *ret)
{
	size_t from = c->at;
	uint64_t n = 0;

	if (!digit(cursor_now(c)))
		return cursor_wrong(c, from, "expected a number", NULL, 0, "");
	while (digit(cursor_now(c))) {
		uint64_t d = (uint64_t)(cursor_now(c) - '0');

		c->at++;
		if (n > (most - d) / 10)
			return cursor_wrong(c, from, "the number is too big", NULL, 0, "");
		n = n * 10 + d;
	}
	*ret = n;
	return 0;
}

int values_time(struct cursor *c, uint64_t bare_ns, uint64_t *ret_ns)
{
	static const struct {
		char unit[8];
		uint64_t ns;
	} units[] = {{"ns", 1},         {"us", 1000},       {"ms", 1000000},
		     {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}};
	size_t from = c->at, unit;
	uint64_t n;
	int r = values_number(c, UINT64_MAX / 3600000000000u, &n);

	if (r)
		return r;
	unit = c->at;
	while (!cursor_ended(c) && cursor_now(c) >= 'a' && cursor_now(c) <= 'z')
		c->at++;
	if (c->at == unit && bare_ns) {
		*ret_ns = n * bare_ns;
		return 0;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].unit) == c->at - unit &&
		    !memcmp(units[i].unit, c->text + unit, c->at - unit)) {
			*ret_ns = n * units[i].ns;
			return 0;
		}
	return cursor_wrong(c, from, "expected a time with its unit: 1h, 5m, 2s, 500ms, 10us, 7ns",
			    NULL, 0, "");
}

int values_when(struct cursor *c, struct rule *r)
{
	size_t from = c->at;
	int error = values_number(c, UINT32_MAX, &r->first);

	if (error)
		return error;
	r->last = r->first;
	r->step = 1;
	if (cursor_take(c, '.')) {
		if (!cursor_take(c, '.'))
			return cursor_wrong(c, from, "expected first..last", NULL, 0, "");
		error = values_number(c, UINT32_MAX, &r->last);
		if (error)
			return error;
	} else if (cursor_now(c) == '+') {
		r->last = UINT64_MAX;
	}
	if (cursor_take(c, '+') && digit(cursor_now(c)))
		error = values_number(c, UINT32_MAX, &r->step);
	if (!error && (!r->first || !r->step || r->last < r->first))
		return cursor_wrong(
			c, from, "expected first[..last][+[step]], counted from 1, last >= first",
			NULL, 0, "");
	return error;
}

int values_chance(struct cursor *c, uint32_t *ret)
{
	size_t from = c->at;
	uint64_t value = 0, unit = 1;
	bool point = false;

	while (digit(cursor_now(c)) || (cursor_now(c) == '.' && !point)) {
		char now = c->text[c->at++];

		if (now == '.') {
			point = true;
		} else if (unit < 1000000000u) {
			value = value * 10 + (uint64_t)(now - '0');
			unit *= point ? 10 : 1;
		}
		if (value > 1000000000000u)
			break;
	}
	if (cursor_take(c, '%'))
		unit *= 100;
	if (!value || value > unit || !cursor_ended(c))
		return cursor_wrong(c, from, "expected a chance: 0.01, 1 or 5%", NULL, 0, "");
	/* 1 is "always", which 0 stands for. */
	*ret = value == unit ? 0 : (uint32_t)((value << 32) / unit);
	if (value != unit && !*ret)
		*ret = 1;
	return 0;
}

/* ---- addresses --------------------------------------------------------------------------------
 */

static int ports(struct cursor *c, struct rule *r)
{
	uint64_t n;
	int error = values_number(c, UINT16_MAX, &n);

	if (error)
		return error;
	r->port_first = r->port_last = (uint16_t)n;
	if (cursor_take(c, '-')) {
		error = values_number(c, UINT16_MAX, &n);
		r->port_last = (uint16_t)n;
	}
	return error;
}

static int prefix(struct cursor *c, struct rule *r, unsigned most)
{
	uint64_t n = most;
	int error = cursor_take(c, '/') ? values_number(c, most, &n) : 0;

	r->prefix = (uint8_t)n;
	return error;
}

static int host(struct cursor *c, struct rule *r, size_t from)
{
	bool six = cursor_take(c, '[');
	char text[64];
	size_t n = 0;
	int error;

	if (!six && cursor_take(c, '*'))
		return 0;
	while (cursor_now(c) && !strchr(six ? "/]" : "/:", cursor_now(c)) && n < sizeof(text) - 1)
		text[n++] = c->text[c->at++];
	text[n] = '\0';
	r->family = six ? AF_INET6 : AF_INET;
	if (inet_pton(r->family, text, r->addr) != 1)
		return cursor_wrong(c, from, "expected 10.0.0.0/8[:port], [::1][:port] or *:port",
				    NULL, 0, "");
	error = prefix(c, r, six ? 128 : 32);
	if (!error && six && !cursor_take(c, ']'))
		return cursor_wrong(c, from, "expected ] after the IPv6 address", NULL, 0, "");
	return error;
}

int values_addr(struct cursor *c, struct rule *r)
{
	size_t from = c->at;
	int error = host(c, r, from);

	if (error)
		return error;
	if (cursor_now(c) == ':' && digit(c->text[c->at + 1])) {
		c->at++;
		return ports(c, r);
	}
	if (!r->family)
		return cursor_wrong(c, from, "any address at any port: leave addr= out", NULL, 0,
				    "");
	return 0;
}

/* ---- kinds ------------------------------------------------------------------------------------
 */

static const char kind_names[KIND_COUNT][20] = {
#define X(n, s) [KIND_##n] = s,
	RECORD_KINDS(X)
#undef X
};

#define BIT(n) (1ull << KIND_##n)
static const struct {
	char name[8];
	uint64_t kinds;
} groups[] = {
	{"unix", BIT(unix_stream) | BIT(unix_dgram) | BIT(unix_seqpacket)},
	{"pipe", BIT(pipe_read) | BIT(pipe_write)},
	{"socket", BIT(unix_stream) | BIT(unix_dgram) | BIT(unix_seqpacket) | BIT(tcp) | BIT(udp) |
			   BIT(netlink) | BIT(packet) | BIT(raw) | BIT(socket)},
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static int unknown_kind(struct cursor *c, size_t from)
{
	const char *words[KIND_COUNT + GROUPS];

	for (size_t i = 0; i < GROUPS; i++)
		words[i] = groups[i].name;
	for (size_t i = 0; i < KIND_COUNT; i++)
		words[GROUPS + i] = kind_names[i];
	return cursor_unknown(c, from, "kind", words, KIND_COUNT + GROUPS);
}

static int one_kind(struct cursor *c, uint64_t *ret)
{
	size_t from = c->at, n;

	while (!cursor_ended(c) && cursor_now(c) != ',')
		c->at++;
	n = c->at - from;
	for (size_t i = 0; i < GROUPS; i++)
		if (strlen(groups[i].name) == n && !memcmp(groups[i].name, c->text + from, n)) {
			*ret |= groups[i].kinds;
			return 0;
		}
	for (unsigned i = 0; i < KIND_COUNT; i++)
		if (strlen(kind_names[i]) == n && !memcmp(kind_names[i], c->text + from, n)) {
			*ret |= 1ull << i;
			return 0;
		}
	return unknown_kind(c, from);
}

int values_kinds(struct cursor *c, uint64_t *ret)
{
	int r;

	do
		r = one_kind(c, ret);
	while (!r && cursor_take(c, ','));
	return r;
}

int values_text(struct cursor *c, char *ret, size_t size)
{
	size_t from = c->at, n = 0;
	char text[256];
	bool quoted = cursor_take(c, '"');

	while (cursor_now(c) && (quoted ? cursor_now(c) != '"' : cursor_now(c) != ':')) {
		if (cursor_now(c) == '\\' && c->text[c->at + 1])
			c->at++;
		if (n + 1 >= size || n + 1 >= sizeof(text))
			return cursor_wrong(c, from, "this pattern is too long", NULL, 0, "");
		text[n++] = c->text[c->at++];
	}
	if (quoted && !cursor_take(c, '"'))
		return cursor_wrong(c, from, "the quote \" is not closed", NULL, 0, "");
	if (!n)
		return cursor_wrong(c, from, "expected a pattern (* and ? match anything)", NULL, 0,
				    "");
	text[n] = '\0';
	memcpy(ret, text, n + 1);
	return 0;
}

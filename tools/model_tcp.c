/* SPDX-License-Identifier: MIT */
/*
 * model_tcp.c - the other end of a TCP connection within this machine (and network namespace): two
 * sockets whose addresses are each other's, from /proc/net/tcp and tcp6.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model_states.h"
#include "util.h"

/* "0000000000000000FFFF00000100007F:1F90", an IPv4 address in IPv6, is "0100007F:1F90". */
static void normal(char *address)
{
	static const char mapped[] = "0000000000000000FFFF0000";
	size_t n = sizeof(mapped) - 1;

	if (!strncmp(address, mapped, n))
		memmove(address, address + n, strlen(address + n) + 1);
}

static void take(struct ends *e, const char *line)
{
	struct tcp_end x;
	unsigned long long inode;

	if (sscanf(line, " %*u: %47[0-9A-F:] %47[0-9A-F:] %*x %*x:%*x %*x:%*x %*x %*u %*u %llu",
		   x.local, x.remote, &inode) != 3 ||
	    !inode)
		return;
	x.inode = inode;
	normal(x.local);
	normal(x.remote);
	*UTIL_PUSH(e->tcp, e->tcps, e->tcps_room) = x;
}

static void read_table(struct ends *e, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0)
		take(e, line);
	free(line);
	if (f)
		fclose(f);
}

void ends_read_tcp(struct ends *e)
{
	read_table(e, "/proc/net/tcp");
	read_table(e, "/proc/net/tcp6");
}

uint64_t ends_tcp_peer(const struct ends *e, uint64_t inode)
{
	const struct tcp_end *own = NULL;

	for (size_t i = 0; i < e->tcps && !own; i++)
		if (e->tcp[i].inode == inode)
			own = &e->tcp[i];
	for (size_t i = 0; own && i < e->tcps; i++)
		if (!strcmp(e->tcp[i].local, own->remote) && !strcmp(e->tcp[i].remote, own->local))
			return e->tcp[i].inode;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* model_states.h - who holds the other end of a pipe or a UNIX socket, on this machine, now. */
#ifndef TOOL_MODEL_STATES_H
#define TOOL_MODEL_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ENDS_FIFOS 8u

enum end_mode { END_reads = 1, END_writes = 2 };

struct end {
	uint64_t inode;
	int pid, fd;
	int mode; /* enum end_mode */
	char comm[16];
};

struct ends {
	struct end *end;
	size_t count, room;
	struct unix_pair {
		uint64_t inode, peer;
		uint64_t file_inode; /* of the file that it is bound to; 0 none */
		uint32_t file_dev;   /* as the kernel numbers it */
		uint32_t queue, backlog;
		bool listening;
	} * pair;
	size_t pairs, pairs_room;
	struct tcp_end {
		uint64_t inode;
		char local[48], remote[48]; /* as in /proc/net/tcp */
	} * tcp;
	size_t tcps, tcps_room;
	bool complete;          /* every process could be looked into */
	const uint64_t *wanted; /* during ends_scan() */
	size_t wanted_count;
	const char *fifo[ENDS_FIFOS]; /* their names, to look for; set before ends_scan() */
	size_t fifos;
};

/* All UNIX sockets with their peers, by sock_diag. */
void ends_read_unix(struct ends *e);
/* false: not known. *ret_peer 0: it has none; ENDS_UNACCEPTED: one that is in a backlog. */
#define ENDS_UNACCEPTED UINT64_MAX
bool ends_unix_peer(const struct ends *e, uint64_t inode, uint64_t *ret_peer);
/* All TCP sockets of our network namespace. */
void ends_read_tcp(struct ends *e);
/* Its other end on this machine; 0: none. */
uint64_t ends_tcp_peer(const struct ends *e, uint64_t inode);
/* The one that is bound to this file, as stat(2) numbers it; NULL: none, or not known. */
const struct unix_pair *ends_unix_bound(const struct ends *e, uint64_t dev, uint64_t inode);
/* Who has these inodes open. Sorts them. */
void ends_scan(struct ends *e, uint64_t *inode, size_t n);
/* One that is not (pid, fd) and has all bits of `mode`; another process rather than this one. */
const struct end *ends_find(const struct ends *e, uint64_t inode, int mode, int pid, int fd);
void ends_free(struct ends *e);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * record_facts.h - what a record holds of the world around a call that failed: who had set its
 * mode, and what the kernel said at that instant. Part of record.h, which includes it.
 */
#ifndef FDWHY_RECORD_FACTS_H
#define FDWHY_RECORD_FACTS_H

#include <stdint.h>
#include "record_words.h"

/* ---- modes: who made calls fail at once, or after a while --------------------------------------
 *
 * O_NONBLOCK, timeouts and the backlog belong to the open file description, which dup, fork,
 * SCM_RIGHTS and exec share. So a slot names the place that set them; a fork child has its parent's
 * places, with the parent's pid; and where others may share the description, its inode is noted, by
 * which who set it is found from the record of who suffers.
 */
struct record_mode {
	uint32_t stack;
	uint8_t mode; /* enum facts_mode; MODE_unknown: not written yet */
	uint8_t kind; /* enum record_kind of the latest fd */
	uint16_t pad;
	uint32_t pid;     /* whose call it was */
	uint32_t value;   /* timeout in ms, or backlog */
	uint64_t time_ns; /* the latest time */
	uint64_t count;
	uint32_t target; /* string: of the latest fd */
	int32_t fd;
};

struct record_shared {
	uint64_t dev, inode; /* 0: unused */
	uint64_t time_ns;
	uint32_t mode;       /* 1 + index into PART_modes */
	uint8_t kind;        /* enum record_kind: both ends of a pipe have one inode */
	uint8_t access;      /* 1 reads, 2 writes */
	uint16_t slot_flags; /* SLOT_* when it was set */
};

/* ---- facts: what the kernel said when a call failed ---------------------------------------------
 */

/* Bits of `have`; a fact without its bit is unknown, and `why` says why for its group. */
#define FACTS(X) \
	X(mode) X(timeout) X(waited) X(sndbuf) X(outq) X(inq) X(peer) X(queue) X(backlog) \
	X(somaxconn) X(holder) X(tcp) X(pipe) X(limit) X(inode) X(type) X(range) X(peer_inode) \
	X(peer_unread) X(peer_addr)
enum facts_bit {
#define X(n) FACT_##n,
	FACTS(X)
#undef X
		FACT_COUNT
};
/* Groups of facts in why[]: the errno of the look-up that failed. */
enum facts_why {
	WHY_socket, /* of the fd itself */
	WHY_diag,   /* sock_diag */
	WHY_proc,   /* files in /proc */
	WHY_other,
	WHY_COUNT
};
enum facts_mode {
	MODE_unknown,
	MODE_nonblock,
	MODE_dontwait,
	MODE_sndtimeo,
	MODE_rcvtimeo,
	MODE_backlog, /* of listen(): in struct record_mode only */
};

/* In msg_flags: `fd` is the one that was read from, of a call that moves between two (splice). */
#define FACTS_INPUT 0x40000000u

struct record_facts {
	uint32_t seq; /* odd while being written */
	uint32_t have;
	uint64_t time_ns;
	uint64_t cost_ns; /* what taking them cost */
	int32_t fd;
	uint32_t tid;
	uint8_t mode; /* enum facts_mode */
	uint8_t kind; /* enum record_kind */
	uint8_t tcp_state;
	uint8_t holder_exclusive; /* 1 write/exclusive, 0 read/shared */
	uint16_t why[WHY_COUNT];
	uint32_t holder_fd; /* 1 + the descriptor of this very process that holds it; 0 none */
	uint32_t pad;
	int32_t sock_type, sock_domain;
	uint32_t msg_flags; /* MSG_*, or FACTS_INPUT */
	uint32_t peer_uid;
	uint64_t timeout_ns, waited_ns;
	uint64_t asked_bytes;
	uint64_t sndbuf_bytes, outq_bytes; /* memory, not payload: see unix(7), tcp(7) */
	uint64_t inq_bytes, pipe_bytes;
	uint64_t dev, inode; /* of the fd, or of the listener's socket file for connect */
	uint32_t peer_pid;   /* SO_PEERCRED: for a connected client the caller of listen() */
	uint32_t queue, backlog, somaxconn;
	uint32_t holder_pid; /* 0: nobody found; see have */
	uint32_t holder_via; /* 1 F_GETLK, 3 a present fd of its own */
	uint64_t range_start, range_len;
	uint32_t tcp_unacked, tcp_rwnd, tcp_cwnd, tcp_retransmits;
	uint64_t limit, in_use;
	uint32_t limit_id; /* enum record_task_limit */
	uint32_t target;   /* string */
	uint32_t stack;
	uint32_t set;          /* 1 + index into PART_modes: who set `mode`; 0 unknown, or */
	uint32_t set_birth;    /* stack: the fd was born so; 0 not */
	uint32_t pad3;
	uint64_t peer_inode;   /* socket of the listener or peer, as in /proc/PID/fd */
	uint64_t peer_unread;  /* bytes that the peer has not read yet */
	char holder_comm[16];  /* terminated; "" unknown */
	char peer_comm[16];
	uint8_t peer_addr[28]; /* of a TCP connection: struct sockaddr_in or sockaddr_in6 */
	uint32_t pad2;
};

_Static_assert(sizeof(struct record_mode) == 40, "record_mode");
_Static_assert(sizeof(struct record_shared) == 32, "record_shared");
_Static_assert(sizeof(struct record_facts) == 320, "record_facts");

#endif

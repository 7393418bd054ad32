/* SPDX-License-Identifier: MIT */
/*
 * record.h - the bytes of a record file: one process, across its execs.
 *
 * Written by the shim through a MAP_SHARED mapping (the mapping is the storage), read by the tool.
 * Fixed-width fields in the machine's byte order; times in nanoseconds of CLOCK_MONOTONIC unless
 * the name says otherwise; names only, never a byte of what the target sends or reads.
 *
 * A reader trusts nothing: a record can be torn (the process was killed while writing), truncated,
 * of another version or made by an attacker. Every offset, count and index is checked before use.
 *
 * File name in the session directory: "<pid>.rec"; when that name was taken by an earlier process
 * of the same pid, "<pid>.<k>.rec" with k = 1, 2, ...; "spare.<pid>.<k>.rec", see enum
 * record_spare. Everything is found through header.part[].
 */
#ifndef FDWHY_RECORD_H
#define FDWHY_RECORD_H

#include <stdint.h>
#include "record_facts.h"
#include "record_words.h"

#define RECORD_MAGIC "fdwhyrec"
#define RECORD_MAGIC_SPARE "fdwhyspr" /* no process's at present; see enum record_spare */
#define RECORD_VERSION 3u
#define RECORD_PAGE 4096u
#define RECORD_STRING_MAX 1024u /* bytes of one string; longer ones are cut and marked */
#define RECORD_STACK_MAX 128u   /* frames of one stack; deeper ones are cut and marked */
#define RECORD_FDS_MAX 1048576u /* fd numbers from here on are counted, not tracked */
#define RECORD_CHUNK_FDS 64u    /* slots are made real a chunk (one page) at a time */
#define RECORD_SERIES 20u       /* buckets of a time series */

/*
 * Ordering. The shim publishes by storing one word last; a reader (another process, or another
 * thread of the shim) that sees this word sees everything stored before it. Each use says what it
 * pairs with. Counters that stand alone are relaxed.
 */
#define record_publish(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define record_observe(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define record_peek(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define record_poke(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

/* ---- header -----------------------------------------------------------------------------------
 */

#define RECORD_LIMIT_SITES 8u
#define RECORD_LIMIT_KINDS 35u /* >= KIND_COUNT */

/*
 * What was open when a limit of open files was met. Part of the header, because there is no fd and
 * maybe no space to be had at that instant. seq is odd while being written.
 */
struct record_limit {
	uint32_t seq;
	uint32_t error; /* EMFILE, ENFILE; 0 never happened */
	uint64_t time_ns;
	uint64_t soft, hard;      /* RLIMIT_NOFILE then; 0 unknown */
	uint32_t open;            /* fds of the process, as far as the record knows */
	uint32_t inherited;       /* of these, not born in this process */
	uint32_t site;            /* 1 + index of the site that failed */
	uint32_t nofile_origin;   /* enum record_nofile, then */
	uint32_t nofile_stack;    /* of NOFILE_own */
	struct {
		uint32_t site; /* 1 + index, 0 = none */
		uint32_t open;
	} top[RECORD_LIMIT_SITES]; /* birth sites, most open first */
	uint32_t kind[RECORD_LIMIT_KINDS]; /* open, by enum record_kind */
};

/*
 * A process that forks keeps a record ready for its next child: "spare.<its pid>.<k>.rec". While it
 * has the magic of a spare it is no process's, and only the lines in its PART_totals count: quiet
 * children that had it before. A line that is also in "totals.<uid>", or of a process that has a
 * record, is that (its writer was killed between two steps).
 *
 * "spare.0.<uid>.rec" is for the next program of that user that starts: while it runs it is
 * "<pid>.rec", and a program that ends with nothing to say leaves it, where there is none.
 */
enum record_spare {
	SPARE_none,  /* an ordinary record */
	SPARE_free,  /* for the next child */
	SPARE_taken, /* prepared for a child, or a child's, which gives it back */
	SPARE_left,  /* a child's; its parent waits for it no more */
};

enum record_state {
	STATE_starting, /* being filled; may be empty */
	STATE_running,  /* the process runs, or was killed: ask the kernel */
	STATE_exited,   /* orderly end; end_* are set */
	STATE_execing,  /* inside exec: the next image continues this record, if it is followed */
};

enum record_part_id {
	PART_images,  /* struct record_image[] */
	PART_totals,  /* struct record_total[], of a spare */
	PART_modules, /* struct record_module[] */
	PART_stacks,  /* arena of struct record_stack, 8-byte aligned, dense */
	PART_sites,   /* struct record_site[] */
	PART_facts,   /* struct record_facts[] */
	PART_ring,    /* struct record_event[], a ring */
	PART_strings, /* arena of struct record_string, 8-byte aligned, dense */
	PART_modes,   /* struct record_mode[] */
	PART_shared,  /* struct record_shared[] */
	PART_chunks,  /* uint32_t[]: what the chunks of slots from slots.used on are; see below */
	PART_slots,   /* chunks of RECORD_CHUNK_FDS struct record_slot */
	PART_COUNT
};

/*
 * Where a part lies. `used` counts bytes in the arenas, items elsewhere. For slots: the first
 * `used` chunks are those of the fds from 0 on; a later chunk i holds far numbers, and chunks[i] is
 * 1 + its first fd / RECORD_CHUNK_FDS, 0 = unused (stale when not above `used`).
 */
struct record_part {
	uint64_t offset_bytes; /* from the start of the file; images, first strings: page 0 */
	uint64_t size_bytes;   /* reserved, not all of it real */
	uint64_t used;         /* published after what it counts; ring: events ever written */
	uint64_t real_bytes;   /* made real so far (shim's own book) */
};

struct record_header {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes; /* sizeof(struct record_header) */
	uint64_t file_bytes;
	uint32_t calls; /* CALL_COUNT of the writer */
	uint32_t state; /* enum record_state */
	uint32_t off;   /* enum record_off */
	uint32_t off_errno;
	/* who */
	uint32_t pid, ppid; /* as the process itself sees them */
	uint32_t uid, gid;  /* effective, at creation */
	char comm[16];
	/* when: three readings of the same instant tie the clocks together */
	uint64_t created_ns;      /* CLOCK_MONOTONIC */
	uint64_t created_real_ns; /* CLOCK_REALTIME */
	uint64_t created_boot_ns; /* CLOCK_BOOTTIME; >= /proc/PID/stat starttime of this process */
	uint32_t born_by;         /* enum record_born */
	uint32_t epoch;           /* of the module map; see struct record_module */
	/* end, valid in STATE_exited */
	uint64_t end_ns;
	int32_t end_status; /* as given to _exit; -1 unknown */
	uint32_t end_flags;
	/* totals, exact even when sites or events are dropped */
	uint64_t births, deaths;
	uint64_t eagains; /* of no site; each site has its own: record_eagains() */
	uint64_t misuses;
	uint64_t limits;   /* EMFILE and ENFILE */
	uint64_t forks;    /* children that fork() made */
	uint64_t image_no; /* images so far, the present one included */
	uint32_t fds_open, fds_peak;
	uint64_t nofile_soft, nofile_hard; /* RLIMIT_NOFILE when last seen */
	uint32_t root;                     /* string: the chroot as seen from outside, 0 = none */
	uint32_t cwd;         /* string: working directory at the last look, 0 = unknown */
	uint32_t child_errno; /* why the last unrecorded child has no record */
	uint32_t seccomp;     /* 1: the target installed a filter */
	uint32_t rules_why;   /* string: why FDWHY_RULES was not taken, 0 = taken, or none */
	uint32_t quarantine;  /* so many closed numbers are held back; 0 none */
	uint32_t shorts;      /* partial sends on fds that do not wait */
	uint32_t spare;       /* enum record_spare */
	uint64_t missed[32];  /* by enum record_miss */
	/* open fds and EAGAINs over time: bucket i covers [i, i + 1) * series_width_ns from created
	 */
	uint64_t series_width_ns;
	uint32_t series_open[RECORD_SERIES]; /* highest number open in the bucket; 0 = nothing seen
					      */
	uint32_t series_eagains[RECORD_SERIES]; /* without those of a site's latest tick */
	struct record_limit limit_first, limit_worst; /* worst: most open */
	uint32_t nofile_origin;                       /* enum record_nofile */
	uint32_t nofile_stack;                        /* of NOFILE_own, 0 = unknown */
	/* of missed[MISS_birth_unseen] and missed[MISS_death_unseen], by enum record_kind */
	uint32_t unseen_births[RECORD_LIMIT_KINDS], unseen_deaths[RECORD_LIMIT_KINDS];
	uint32_t spare_of, spare_number; /* of its name: pid of whose children it is for */
	uint32_t spare_renamed;          /* it is at "<pid>.rec", of an image after an exec */
	uint32_t pad;
	struct record_part part[PART_COUNT];
};

enum record_born {
	BORN_start, /* first image that loaded the shim; what it inherited came from outside */
	BORN_fork,  /* copied from the parent's record at fork */
	BORN_spawn, /* exec in a vfork or posix_spawn child; inherited fds from the parent's record
		     */
};

/* One program image. `exe` is a path, `argv` the arguments joined with one space each. */
struct record_image {
	uint64_t time_ns;
	uint32_t exe, argv; /* strings */
	uint32_t epoch;     /* first epoch of this image */
	uint32_t pad;
};

/*
 * One loaded object. Within one epoch objects are only added, so an address means one module;
 * unloading (and exec) starts a new epoch. A stack of epoch E belongs to the modules with
 * from <= E < to. File address of pc: pc - bias (what readelf and addr2line use).
 */
struct record_module {
	uint64_t start, end; /* mapped range */
	uint64_t bias;       /* load bias (l_addr) */
	uint32_t path;       /* string; 0 = unknown (the tool says so) */
	uint32_t from, to;   /* epochs; to = UINT32_MAX while loaded */
	uint8_t build_id_bytes;
	uint8_t build_id[20];
	uint8_t pad[15];
};

/* ---- stacks -----------------------------------------------------------------------------------
 */

#define STACK_CUT 1u  /* deeper than was recorded */
#define STACK_LOST 2u /* the unwinder could not go on (code without unwind tables, bad frame) */
#define STACK_PC_EXACT \
	(1ull << 63) /* set in a pc that a signal interrupted: not a return address */

/*
 * pc[0] is the return address into the caller of the interposed function, the next its caller, ...
 * Symbolise at pc - 1 (a return address follows its call), an exact one at pc. The id of a stack is
 * its offset in the arena / 8; id 0 is "none" (the arena starts with 8 bytes unused).
 */
struct record_stack {
	uint32_t hash;
	uint16_t depth;
	uint16_t flags; /* STACK_* */
	uint32_t epoch;
	uint32_t site; /* 1 + index of the site last looked for with it (the shim's own book) */
	uint64_t pc[];
};

/* ---- strings ----------------------------------------------------------------------------------
 */

enum record_string_type {
	STRING_path = 1, /* absolute as the process saw it (inside its chroot, if it had one) */
	STRING_path_at,  /* uint32_t string of the directory (0 = unknown), then a relative path */
	STRING_addr,     /* a struct sockaddr as the kernel takes it */
	STRING_text,     /* anything else: argv, a memfd's name */
};
#define STRING_CUT 1u /* longer than RECORD_STRING_MAX */

/* The id of a string is its offset in the arena / 8; id 0 is "none". */
struct record_string {
	uint32_t hash;
	uint16_t bytes;
	uint8_t type;
	uint8_t flags;
	char data[]; /* not terminated */
};

/* ---- sites ------------------------------------------------------------------------------------
 */

#define SITE_LOOP 1u /* EBADF from a loop that closes numbers it does not know: no misuse */

/*
 * A place in the target that did something: call + stack + outcome. error = 0: fds born here, or
 * (call listen) sockets that listen from here;
 * EAGAIN, EMFILE, ENFILE: failures here; EBADF: misuse here (of a number that was closed before).
 * Counters are exact; an index into the sites never moves.
 */
struct record_site {
	uint32_t stack;
	union {
		struct {
			uint16_t call;
			uint16_t error;
		};
		uint32_t what; /* both, as in record_event */
	};
	union {
		struct {
			uint32_t target; /* string: latest */
			uint8_t kind;    /* enum record_kind: latest */
			uint8_t type;    /* enum record_event_type: of its failures */
			uint16_t flags;  /* SITE_* */
		};
		uint64_t about; /* all of it, as in record_event */
	};
	uint64_t count; /* births or failures */
	uint64_t first_ns, last_ns;
	uint64_t fate[FATE_COUNT];
	uint64_t deaths;    /* births: how many are closed by now */
	uint32_t open;      /* births: open now, in this process */
	uint32_t open_peak; /* births */
	uint64_t waited_ns; /* sum over FATE_waited, _retried, _masked */
	uint64_t waited_max_ns;
	uint32_t wait_hist[12]; /* waits below 4^i us; the last takes the rest */
	uint32_t facts;         /* 1 + index of the latest facts, 0 = none */
	uint32_t facts_count;   /* how often facts were taken */
	uint32_t short_count;   /* partial sends on a non-blocking fd (sites of error EAGAIN) */
	uint32_t birth_stack;   /* EBADF: where the fd was born that is misused here */
	uint32_t death_stack;   /* EBADF: where it was closed before */
	uint32_t series_shift;  /* series[] was last folded at this header.series_width_ns shift */
	uint32_t series[RECORD_SERIES]; /* births: lowest number open about the changes in the
					   bucket + 1; 0 no change in it */
	uint32_t value;                 /* sites of listen(): the backlog that was passed */
	uint32_t injected;              /* of `count`: made by a rule */
	uint64_t before_ns;             /* EMFILE, ENFILE: the failure before the last */
	uint64_t spun_ns;               /* time spent between the calls of FATE_spun */
	uint64_t told;                  /* EAGAINs of here that header.series_eagains has */
};

/* ---- slots: the open fds ------------------------------------------------------------------------
 */

enum record_slot_state {
	SLOT_free,
	SLOT_open,
	SLOT_closing, /* forgotten just before the real close */
	SLOT_closed,  /* kept to explain a second close */
};

#define SLOT_CLOEXEC 1u
#define SLOT_NONBLOCK 2u  /* as far as the shim saw */
#define SLOT_INHERITED 4u /* existed before this process's image or came from the parent */
#define SLOT_UNSEEN 8u    /* found by reconciling: origin unseen */
#define SLOT_LISTENING 16u
#define SLOT_CONNECTED 32u /* by connect or accept */
#define SLOT_ACCEPTED 64u
#define SLOT_PASSED 128u /* received by SCM_RIGHTS */
#define SLOT_SNDTIMEO 256u
#define SLOT_RCVTIMEO 512u
#define SLOT_LEASED 1024u
#define SLOT_EXECED 2048u /* survived an exec */
#define SLOT_SHARED 4096u /* another number or process has the same open file description */
#define SLOT_TOUCHED 8192u /* since an exec: waited for, shared, changed, accepted from */
#define SLOT_MEANT 16384u  /* FD_CLOEXEC was taken off by hand: it is meant to survive one */
#define SLOT_POLLED 32768u /* in the set of an epoll fd */
#define SLOT_QUARANTINED 65536u /* closed, and the number is held back by the shim */
#define SLOT_LOCKED 131072u /* its description (flock, F_OFD_SETLK) has, or had, a lock */

#define SLOT_USE_PENDING 0x80000000u /* in `uses`: an EAGAIN waits for its fate */

struct record_slot {
	uint32_t seq; /* odd while being written; torn if the writer died there */
	uint8_t state;
	uint8_t kind;
	uint16_t call; /* of the birth */
	uint32_t flags;
	uint32_t uses; /* I/O calls that succeeded or go on, since birth, and SLOT_USE_PENDING */
	uint64_t birth_ns;
	uint32_t site;       /* 1 + index of the birth site, 0 = unknown */
	uint32_t target;     /* string */
	uint32_t failed;     /* 1 + index of the site whose EAGAIN is pending, 0 = none */
	uint32_t fails;      /* the shim's own: what came before it; see call_fate.c */
	uint64_t failed_ns;  /* first of them; SLOT_LOCKED: when the lock went, 0 never */
	/* who set it last, 1 + index into PART_modes; 0 = nobody that was seen, or at the birth */
	uint32_t mode_nonblock; /* O_NONBLOCK */
	uint32_t mode_send;     /* SO_SNDTIMEO; of a listener: listen() */
	uint32_t mode_receive;  /* SO_RCVTIMEO */
	uint32_t close_stack;
};

/* ---- the ring: latest events
 * --------------------------------------------------------------------- */

enum record_event_type {
	EVENT_none,
	EVENT_eagain, /* a call failed with EAGAIN */
	EVENT_limit,  /* EMFILE or ENFILE */
	EVENT_misuse, /* EBADF on a number that was closed before */
	EVENT_fork,   /* arg: pid of the child */
	EVENT_exec,   /* target: path; arg: why not followed (enum exec_why), 0 = followed */
	EVENT_retry,  /* a retry ended; arg: ns waited, arg2: 1 masked */
	EVENT_inject, /* a rule acted; arg: its id; error as in struct record_site */
};

struct record_event {
	uint64_t seq; /* 1 + number of the event since the record began, stored last; else torn */
	uint64_t time_ns;
	uint32_t tid;
	union {
		struct {
			uint16_t call;
			uint16_t error;
		};
		uint32_t what;
	};
	int32_t fd;
	uint32_t site; /* 1 + index, 0 = none */
	union {
		struct {
			uint32_t target;
			uint8_t kind;
			uint8_t type;
			uint16_t flags; /* SITE_* of its site */
		};
		uint64_t about;
	};
	uint64_t arg, arg2;
	uint32_t facts; /* 1 + index of facts taken for this very event, 0 = none */
	uint32_t pad;
};

/*
 * A process that ends in order with nothing to say (no EAGAIN, no failure, no fd of its own left
 * open, nothing missed) leaves no record but one of these, appended to "totals.<uid>" or kept in a
 * spare until there are RECORD_TOTALS.
 */
#define RECORD_TOTAL_MAGIC 0x6c746f74u /* "totl" */
#define RECORD_TOTAL_LEAKED 8u
#define RECORD_TOTALS 14u /* of a spare: one page */
struct record_total {
	uint32_t magic;
	uint32_t version;
	uint32_t pid, ppid, uid;
	int32_t end_status;
	uint64_t created_ns, created_real_ns, end_ns;
	uint64_t births, deaths;
	uint64_t image_no;
	uint32_t fds_peak;
	uint32_t fds_open; /* inherited ones that were still open */
	uint32_t born_by;  /* enum record_born */
	uint32_t leaked;   /* of these: came through an exec and were never used */
	int32_t leaked_fd[RECORD_TOTAL_LEAKED];       /* the first ones, */
	uint8_t leaked_kind[RECORD_TOTAL_LEAKED];     /* enum record_kind */
	char comm[16];
	char exe[144]; /* terminated; the end of a longer path */
};

_Static_assert(sizeof(struct record_limit) == 256, "record_limit");
_Static_assert(KIND_COUNT <= RECORD_LIMIT_KINDS, "record_limit.kind");
_Static_assert(sizeof(struct record_total) == 288, "record_total");
_Static_assert(RECORD_TOTALS * sizeof(struct record_total) <= RECORD_PAGE, "record_total");
_Static_assert(sizeof(struct record_part) == 32, "record_part");
_Static_assert(sizeof(struct record_image) == 24, "record_image");
_Static_assert(sizeof(struct record_module) == 72, "record_module");
_Static_assert(sizeof(struct record_stack) == 16, "record_stack");
_Static_assert(sizeof(struct record_string) == 8, "record_string");
_Static_assert(sizeof(struct record_site) == 320, "record_site");
_Static_assert(sizeof(struct record_slot) == 64, "record_slot");
_Static_assert(sizeof(struct record_event) == 64, "record_event");
_Static_assert(sizeof(struct record_header) <= RECORD_PAGE, "record_header");
_Static_assert(MISS_COUNT <= 32, "missed[]");

/* Bytes of one of what `used` of a part counts: an initializer for an array of PART_COUNT. */
#define RECORD_ITEM_BYTES                                                                         \
	{                                                                                         \
		[PART_images] = sizeof(struct record_image),                                      \
		[PART_totals] = sizeof(struct record_total),                                      \
		[PART_modules] = sizeof(struct record_module),                                    \
		[PART_stacks] = 1,                                                                \
		[PART_sites] = sizeof(struct record_site),                                        \
		[PART_facts] = sizeof(struct record_facts),                                       \
		[PART_ring] = sizeof(struct record_event),                                        \
		[PART_strings] = 1,                                                               \
		[PART_modes] = sizeof(struct record_mode),                                        \
		[PART_shared] = sizeof(struct record_shared),                                     \
		[PART_chunks] = sizeof(uint32_t),                                                 \
		[PART_slots] = RECORD_CHUNK_FDS * sizeof(struct record_slot),                     \
	}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * model.h - what a whole session says: all its records merged by place in the program (call, error,
 * stack of module and offset), with causes, fates and verdicts. What the outputs print.
 *
 * Times are ns of CLOCK_REALTIME. Indexes into the arrays of struct model are stable.
 */
#ifndef TOOL_MODEL_H
#define TOOL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "explain.h"
#include "present.h"
#include "record.h"
#include "ruleset.h"
#include "verdict.h"
#include "verdict_limit.h"

#define MODEL_NONE UINT32_MAX
#define MODEL_TARGETS 8

struct model_module {
	char *path;
	uint8_t build_id[20];
	uint8_t build_id_bytes;
};

struct model_frame {
	uint32_t module; /* MODEL_NONE: `offset` is the bare address */
	bool exact;      /* not a return address */
	uint64_t offset; /* file address (pc - load bias) */
};

struct model_stack {
	uint32_t first, depth; /* in frames[] */
	uint32_t flags;        /* STACK_* */
	uint32_t hash;
};

enum model_how { HOW_running, HOW_exited, HOW_killed, HOW_lost };

struct model_process {
	int pid, ppid;
	uint32_t uid;
	char *comm, *exe, *argv;   /* NULL: unknown */
	uint64_t start_ns, end_ns; /* end 0: none or unknown */
	uint64_t start_raw_ns;     /* of the machine's clock */
	uint64_t images;
	enum model_how how;
	int status, signal; /* -1: unknown */
	uint64_t births, deaths, eagains, misuses, limits;
	uint32_t fds_open, fds_peak;
	uint64_t nofile_soft, nofile_hard;      /* 0: unknown */
	uint32_t series_open[RECORD_SERIES];    /* as in record_header */
	uint64_t series_eagains[RECORD_SERIES]; /* of these, `eagain_buckets` */
	unsigned eagain_buckets;
	uint64_t series_width_ns; /* 0: none */
	uint32_t born_by;         /* enum record_born */
	bool totals_only;
	bool continued_elsewhere; /* a later record of the same process follows */
};

struct model_pids {
	int *pid;
	size_t count, room;
};

struct model_eagain {
	uint16_t call, error;
	uint8_t kind;
	uint32_t stack; /* MODEL_NONE: none */
	uint64_t count, first_ns, last_ns;
	struct model_pids pids;
	char *target;
	uint64_t fate[FATE_COUNT];
	uint64_t pending;
	uint64_t pending_since_ns; /* the oldest, in a process that lives; 0 none */
	uint64_t waited_ns, waited_max_ns, spun_ns;
	bool spins; /* explain_spins() of any of the processes */
	uint64_t wait_hist[12];
	struct record_facts facts; /* latest; have = 0 when none */
	bool has_facts;
	int facts_pid;
	/* who set O_NONBLOCK or the timeout */
	int set_pid;         /* 0 unknown */
	bool set_shared;     /* on the description that it shares, while it had it */
	char *set_comm;      /* NULL unknown */
	uint64_t set_ns;     /* 0 unknown */
	uint32_t mode_stack; /* MODEL_NONE unknown */
	uint32_t listener;   /* index into listeners[], MODEL_NONE */
	int peer_pid;        /* 0 unknown */
	int holder_pid;      /* 0 unknown */
	char *holder_comm, *holder_cmdline, *peer_comm;
	const char *holder_mode; /* "exclusive", "shared", NULL unknown */
	bool now_known;          /* the listener's queue, when the model was made */
	uint32_t now_queue, now_backlog;
	int other_pid;          /* who lives on the other side now; 0 nobody, or not known */
	const char *other_role; /* "listener", "holder", "peer" */
	uint32_t present;       /* index into presents[], MODEL_NONE: not looked at */
	struct explanation why;
	struct verdict_limit limit; /* of EMFILE and ENFILE */
};

struct model_fds {
	uint16_t call;
	uint8_t kind;
	uint32_t stack;
	uint64_t opened, closed, open, peak, inherited;
	uint64_t worst_open, worst_opened; /* in the one process that has most open */
	uint32_t worst_process;            /* index; whose series this is */
	uint64_t first_ns, last_ns;
	uint64_t uses;            /* of the open ones */
	size_t ages, ages_count;  /* of the open ones: in model.ages[], oldest first */
	uint64_t unused;          /* open for VERDICT_IDLE_NS and never used */
	uint64_t half_dead, held; /* see struct model_open */
	uint64_t different;       /* files of so many names are open */
	bool listening, standard, alive;
	struct model_pids pids;
	char *targets[MODEL_TARGETS];
	size_t target_count;
	uint32_t series[RECORD_SERIES];
	uint64_t series_width_ns;
	struct verdict verdict;
	const char *suppressed; /* "file:line" of what says so, NULL */
	uint32_t other_ways;    /* stacks that were merged into this one: see fold_ways.c */
};

struct model_open {
	uint32_t process;
	int fd;
	uint16_t call; /* 0: origin unseen */
	uint8_t kind;
	char *target;
	uint64_t birth_ns;  /* 0 unknown */
	uint64_t let_go_ns; /* of a lock (SLOT_LOCKED); 0 it did not */
	uint32_t flags;     /* SLOT_* */
	uint32_t uses;
	uint32_t stack;
	uint32_t site;         /* index into fds[], MODEL_NONE */
	uint64_t birth_raw_ns; /* of the machine's clock: the same in every process that has it */
	uint64_t inode;        /* of a socket or pipe, by model_states(); 0 unknown */
	bool leaked;           /* through an exec into a program that never used it: */
	uint32_t leak;         /* index into child_leaks[] while these are made */
	/* model_states(): what is connected to it now, in words; NULL unknown */
	char *peer;
	const char *tcp_state; /* NULL: no TCP socket, or unknown */
	bool half_dead;        /* the peer has closed its side */
	bool held;             /* accepted, and the peer holds it open */
	bool deleted;          /* a file without a name */
};

/* Closed, and the number not used again; what children may still have. */
struct model_gone {
	uint32_t process;
	int fd;
	uint16_t call;
	uint8_t kind;
	uint32_t flags, stack;
	uint64_t birth_raw_ns, birth_ns;
	uint64_t let_go_ns; /* of a lock (SLOT_LOCKED) */
	char *target;
};

/* Of a process that ended with nothing else to say: it came through an exec and was never used. */
struct model_unused {
	uint32_t process;
	int fd;
	uint8_t kind;
};

/* A place whose fds go through exec into programs that never use them. */
struct model_child_leak {
	uint16_t call;
	uint8_t kind;
	bool listening;
	uint32_t stack;         /* of the birth */
	uint32_t owner;         /* process that opened it: index */
	uint64_t fds, alive;    /* of all children, and of those that run now */
	uint64_t kept;          /* sockets and pipes that nobody else has any more */
	struct model_pids pids; /* of the children */
	char *target, *comm;    /* of a child; the latest */
	const char *suppressed;
};

/* Partial sends on fds that do not wait. */
struct model_short {
	uint16_t call;
	uint8_t kind;
	uint32_t stack;
	uint64_t count;
	struct model_pids pids;
	char *target;
};

enum misuse_kind {
	MISUSE_double_close,
	MISUSE_use_after_close,
	MISUSE_foreign_close,  /* by another module than the one that opened it and still used it */
	MISUSE_standard_close, /* of 0, 1 or 2, and something else got the number */
};

struct model_misuse {
	enum misuse_kind kind;
	uint16_t call, error;
	uint8_t fd_kind;
	int fd; /* of MISUSE_standard_close */
	const char *suppressed;
	uint64_t count, first_ns, last_ns;
	uint32_t stack, birth_stack, death_stack;
	struct model_pids pids;
	char *target;
};

/* Where rules acted: error is the errno returned, or RECORD_ERROR_*. */
struct model_action {
	uint16_t call, error;
	uint8_t kind;
	uint32_t stack;
	uint64_t count, first_ns, last_ns;
	uint64_t fate[FATE_COUNT]; /* of an injected EAGAIN */
	struct model_pids pids;
	char *target;
};

struct model_rule {
	struct rule rule;
	struct rule_counts counts;
};

/* What was open when a process met its limit. */
struct model_at_limit {
	uint32_t process;
	bool worst; /* of all times, not the first */
	uint16_t error;
	uint16_t call;         /* that failed; 0 unknown */
	uint32_t failed_stack; /* MODEL_NONE: unknown */
	uint32_t origin;       /* enum record_nofile: who set the limit */
	uint32_t set_stack;    /* of NOFILE_own, MODEL_NONE: unknown */
	uint64_t time_ns, soft, hard;
	uint32_t open, inherited;
	uint32_t kind[RECORD_LIMIT_KINDS];
	struct {
		uint16_t call; /* 0: none */
		uint32_t stack, open;
	} top[RECORD_LIMIT_SITES];
};

struct model_listener {
	int pid;
	char *comm, *target;
	uint32_t backlog, listen_stack;
	uint64_t first_accept_ns, last_accept_ns; /* 0: never */
	uint64_t accepts;
	bool alive, inherited;
};

/* A mode that was set on a description that others may have. */
struct model_shared {
	uint64_t dev, inode, time_ns;
	int pid;
	uint32_t stack;
	uint8_t mode, kind, access; /* as in record_shared */
};

/* What a process on the other side of a failure does now; see present.h. */
struct model_thread {
	int tid;
	char name[16];
	char state;
	uint32_t stack; /* MODEL_NONE: unknown, see why */
	char why[96];
};

struct model_present {
	int pid;
	char comm[16];
	char why[128]; /* nothing is known because; "" something is */
	uint32_t threads, threads_all;
	struct model_thread thread[PRESENT_THREADS];
	bool awaits;           /* it sleeps for a lock: */
	char awaits_path[256]; /* "" unknown */
	int awaits_pid;        /* who holds it; 0 unknown */
	char awaits_comm[32];
};

struct model_coverage {
	int pid; /* 0: the session */
	char *what;
	uint64_t count;
};

struct model {
	char *session, *command;
	uint64_t start_ns, now_ns;
	uint64_t last_ns; /* of anything recorded */
	bool live;
#define ARRAY(type, name) \
	type *name;       \
	size_t name##_count, name##_room
	ARRAY(struct model_module, modules);
	ARRAY(struct model_frame, frames);
	ARRAY(struct model_stack, stacks);
	ARRAY(struct model_process, processes);
	ARRAY(struct model_eagain, eagains); /* error EAGAIN */
	ARRAY(struct model_eagain, limits);  /* EMFILE, ENFILE */
	ARRAY(struct model_at_limit, at_limit);
	ARRAY(struct model_fds, fds);
	ARRAY(struct model_open, opens);
	ARRAY(struct model_gone, gone);
	ARRAY(struct model_unused, unused);
	ARRAY(struct record_total, waiting); /* in spares, not yet in a file of totals */
	ARRAY(struct model_child_leak, child_leaks);
	ARRAY(struct model_misuse, misuses);
	ARRAY(struct model_short, shorts);
	ARRAY(struct model_listener, listeners);
	ARRAY(struct model_present, presents);
	ARRAY(struct model_shared, shared);
	ARRAY(struct model_rule, rules);
	ARRAY(struct model_action, actions);
	ARRAY(struct model_coverage, coverage);
#undef ARRAY
	uint32_t quarantine; /* so many closed numbers were held back at most */
	uint64_t rules_seed;
	uint64_t *ages;
	uint32_t *stack_index; /* hash table of 1 + index */
	size_t stack_index_size;
};

struct model_options {
	int pid; /* 0: all */
};

/* 0, or -errno when the directory cannot be read. Bad records are listed in coverage[]. */
int model_load(const char *session, const struct model_options *options, struct model *ret);
void model_free(struct model *m);

/* How many findings there are, for headlines and `run --fail-on`. */
struct model_summary {
	uint64_t eagains, failures, suspicious, benign; /* calls, sites, sites, sites */
	uint64_t leaks, growing, misuse, limits, open, child_leaks;
	uint64_t suppressed; /* places, not counted above */
	uint64_t processes, alive;
};
void model_summarize(const struct model *m, struct model_summary *ret);

struct record;

/* ---- the parts of model_load() -----------------------------------------------------------------
 */

void model_ends(struct model *m, const struct model_options *options);
/* The lines of totals that wait in a spare; before model_ends(). */
void model_waiting(struct model *m, const char *path);
void model_listeners(struct model *m, const struct record *r, bool alive);
void model_backlogs(struct model *m);
/* What the header kept when a limit was met. */
void model_at_limit(struct model *m, const struct record *r, uint32_t process);
/* Sentences and advice for limits[]. */
void model_judge_limits(struct model *m);
void model_short_add(struct model *m, const struct record *r, const struct record_site *s);
void model_shorts_sort(struct model *m);
void model_shorts_free(struct model *m);
/* Is it /proc/self/fd that is misused, by a loop that closes what that lists? */
bool model_is_fd_list(const struct record *r, const struct record_site *s);
/* What kind each misuse is of: from its stacks. */
void model_misuse(struct model *m);
const char *model_misuse_name(enum misuse_kind kind);
/* Finds child_leaks[]; again when model_states() has found the inodes. */
void model_children(struct model *m);
void model_children_free(struct model *m);
/* Who to name as the owner of a listener; index or MODEL_NONE. */
uint32_t model_listener_of(const struct model *m, const char *target);
/* Causes, severities, verdicts; sorts everything worst first. */
void model_judge(struct model *m);
/* The verdicts alone, again: after more has become known of the open fds. */
void model_judge_fds(struct model *m);
/* One alone; `ages` are its ages_count. */
void model_judge_one(const struct model *m, struct model_fds *f, const uint64_t *ages);
/* What the kernel says now of the fds of living processes; judges them again. Slow: looks through
 * /proc. */
void model_states(struct model *m);
/* What those do now who live on the other side of what failed: `all`, or only of what is shown by
 * default. Stops each of their threads for a moment (present.h). */
void model_present(struct model *m, bool all);
/* The same of one living process: index into presents[], or MODEL_NONE when it has enough. */
uint32_t model_present_of(struct model *m, int pid);
bool model_all_ended(const struct model *m, const struct model_pids *pids);

/* ---- model_pending.c: what living processes still wait for
 * ---------------------------------------------------------- */

void model_pending(struct model *m, const struct record *r);

/* ---- model_modes.c: who set O_NONBLOCK or a timeout
 * ---------------------------------------------------------- */

void model_shared(struct model *m, const struct record *r);
void model_set_by(struct model *m, const struct record *r, const struct record_facts *f,
		  struct model_eagain *e);
void model_set_by_others(const struct model *m, struct model_eagain *e);
/* Who of the session had locked that file by flock or F_OFD_SETLK then; NULL unknown. */
const struct model_process *model_locker_of(const struct model *m, const struct model_eagain *e);

/* ---- model_merge.c: used by model.c only
 * ---------------------------------------------------------- */

uint32_t model_stack(struct model *m, const struct record *r, uint32_t id);
uint32_t model_stack_present(struct model *m, const struct present *p,
			     const struct present_thread *t);
void model_pid_add(struct model_pids *p, int pid);
void model_cover(struct model *m, int pid, uint64_t count, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* An fd of that kind appeared or vanished while nobody looked. */
void model_cover_unseen(struct model *m, int pid, enum record_miss what, unsigned kind,
			uint64_t count);
/* What the record says that it did not see. */
struct record;
void model_missed(struct model *m, const struct record *r);
/*
 * An empty record is no damage while its process makes it, nor is a spare that nobody had yet. Of a
 * process that has ended it may be given back since its header *h was read.
 */
bool model_may_be_empty(const struct record_header *h, const char *path);
/* Go programs, when all processes are known. */
void model_cover_go(struct model *m);
struct model_eagain *model_eagain_at(struct model *m, uint16_t call, uint16_t error,
				     uint32_t stack);
struct model_fds *model_fds_at(struct model *m, uint16_t call, uint32_t stack);
struct model_misuse *model_misuse_at(struct model *m, uint16_t call, uint16_t error,
				     uint32_t stack);
void model_target_add(struct model_fds *f, const char *target);

/* ---- model_rules.c: the session's rules, and what they did
 * ---------------------------------------------------------- */

void model_rules(struct model *m);
struct model_action *model_action_at(struct model *m, const struct record_site *s, uint32_t stack);
void model_rules_free(struct model *m);

/* ---- model_live.c: what /proc says of a living process
 * ------------------------------------------- */

/* The record was read before /proc: what differs counts only where the record has not moved on. */
struct model_live {
	const struct record *then;
	unsigned char *open; /* by fd: in /proc, and not taken */
	size_t size;
	bool known;         /* /proc could be read: permitted, and the process was there */
	struct record *now; /* read again, when something differs */
	int now_error;
	unsigned *patience;
};

/*
 * Where something differs, and a thread runs that may be about to note it, it is waited for: 5 ms
 * at a time, and *patience times.
 */
void model_live_begin(struct model_live *v, const struct record *r, unsigned *patience);
bool model_live_has(const struct model_live *v, int fd);
/* Found in the record, too: no more in the list. */
void model_live_take(struct model_live *v, int fd);
/* Slot *s of fd, open in the record, is not in /proc, and nobody closed it meanwhile. */
bool model_live_lost(struct model_live *v, int fd, const struct record_slot *s);
/* fd is in /proc, was not taken, and the record has not moved on to know it. */
bool model_live_unseen(struct model_live *v, int fd);
void model_live_end(struct model_live *v);
/* Kind and target of one, from its link; the target is allocated. */
uint8_t model_live_fd(int pid, int fd, char **ret_target);

#endif

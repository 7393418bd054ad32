/* SPDX-License-Identifier: MIT */
/*
 * quarantine.c - see quarantine.h. A set bit means that the number is ours; who clears it, closes
 * it or leaves it to the target. Makes no system call in a process under a seccomp filter.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include "config.h"
#include "quarantine.h"
#include "slots.h"
#include "sysc.h"

uint32_t quarantine_room;
uint64_t quarantine_bits[QUARANTINE_FDS / 64];

static uint32_t ring[QUARANTINE_MOST]; /* 1 + number, oldest first from `next` on */
static uint32_t next;
static uint64_t own_dev, own_ino; /* what stands in the place of what was closed */

void quarantine_start(uint64_t nofile_soft)
{
	uint64_t eighth = nofile_soft / 8;

	if (!config.quarantine || !config.library || *config.library != '/')
		return;
	quarantine_room = eighth < QUARANTINE_MOST ? (uint32_t)eighth : QUARANTINE_MOST;
	record_poke(&store.head->quarantine, quarantine_room);
	slots_births_apart |= quarantine_room;
}

static void set(int fd)
{
	__atomic_fetch_or(&quarantine_bits[fd / 64], 1ull << (fd % 64), __ATOMIC_RELAXED);
}

/* Was it ours until now? */
static bool clear(uint32_t fd)
{
	const uint64_t bit = 1ull << (fd % 64);
	struct record_slot *s = slots_at((int)fd);

	if (!(__atomic_fetch_and(&quarantine_bits[fd / 64], ~bit, __ATOMIC_RELAXED) & bit))
		return false;
	if (s)
		record_poke(&s->flags, s->flags & ~SLOT_QUARANTINED);
	return true;
}

/* The target may have closed it behind our back, and got the number again. */
static void give_back(uint32_t fd)
{
	struct stat st;

	if (clear(fd) && !sysc(SYS_fstat, fd, &st) && st.st_dev == own_dev && st.st_ino == own_ino)
		sysc(SYS_close, fd);
}

/* Closes what is there, in one step with taking its place. */
static bool put(int fd)
{
	long own = sysc(SYS_openat, AT_FDCWD, config.library, O_PATH | O_CLOEXEC, 0);
	struct stat st;
	bool done;

	if (own < 0)
		return false;
	done = !sysc(SYS_fstat, own, &st) && sysc(SYS_dup3, own, fd, O_CLOEXEC) == fd;
	sysc(SYS_close, own);
	if (!done)
		return false;
	own_dev = st.st_dev;
	own_ino = st.st_ino;
	return true;
}

bool quarantine_take(int fd)
{
	struct record_slot *s = slots_at(fd);
	uint32_t at, old;

	if (fd <= 2 || (uint32_t)fd >= QUARANTINE_FDS || !s || self_gate.seccomp || !put(fd))
		return false;
	record_poke(&s->flags, s->flags | SLOT_QUARANTINED);
	set(fd);
	at = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % quarantine_room;
	old = __atomic_exchange_n(&ring[at], (uint32_t)fd + 1, __ATOMIC_RELAXED);
	if (old && old != (uint32_t)fd + 1)
		give_back(old - 1);
	return true;
}

void quarantine_forget(uint32_t first, uint32_t last)
{
	if (!quarantine_room || self_vforked())
		return;
	for (uint32_t fd = first; fd <= last && fd < QUARANTINE_FDS; fd++)
		if (quarantine_has((int)fd))
			clear(fd);
		else if (!quarantine_bits[fd / 64])
			fd |= 63;
}

void quarantine_again(int fd)
{
	struct record_slot *s = slots_at(fd);

	if (s)
		record_poke(&s->flags, s->flags | SLOT_QUARANTINED);
	set(fd);
}

bool quarantine_release(void)
{
	bool any = false;

	if (self_gate.seccomp)
		return false;
	for (uint32_t i = 0; i < quarantine_room; i++) {
		uint32_t old = __atomic_exchange_n(&ring[i], 0, __ATOMIC_RELAXED);

		if (!old || !quarantine_has((int)old - 1))
			continue;
		give_back(old - 1);
		any = true;
	}
	return any;
}

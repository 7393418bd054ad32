/* SPDX-License-Identifier: MIT */
/*
 * storm_plugin.c - a loadable object, not a program: calls back under frames of different shapes,
 * so that a rule that is kept of it fits nothing else at its address.
 *
 * LIBS: -shared -fPIC
 */
#include <alloca.h>
#include <stddef.h>

void plugin_call(int depth, void (*end)(void));

static __attribute__((noinline)) void roomy(int depth, void (*end)(void))
{
	volatile char *room = alloca((size_t)depth * 32 + 16);

	room[0] = 1;
	plugin_call(depth - 1, end);
	room[0]++;
}

static __attribute__((noinline)) void aligned(int depth, void (*end)(void))
{
	_Alignas(64) volatile char room[64];

	room[depth & 63] = 1;
	plugin_call(depth - 1, end);
	room[depth & 63]++;
}

void plugin_call(int depth, void (*end)(void))
{
	if (depth <= 0)
		end();
	else if (depth & 1)
		roomy(depth, end);
	else
		aligned(depth, end);
	__asm__ volatile("" ::: "memory"); /* a frame of its own */
}

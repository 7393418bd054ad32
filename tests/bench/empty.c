/* SPDX-License-Identifier: MIT */
/* empty.c - a preload that does nothing: the floor of every comparison. */
extern int fdwhy_bench_empty;
int fdwhy_bench_empty;

/* SPDX-License-Identifier: MIT */
/*
 * bench_empty.c - a preload that does nothing: what any preload costs. Loaded by the scripts
 * beside it.
 */
extern int bench_empty;
int bench_empty;

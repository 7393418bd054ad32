/* SPDX-License-Identifier: MIT */
/*
 * api_fixed.c - api.c as an executable that is not position independent, where the linker settles
 * weak symbols before anything is preloaded. LIBS: -fno-pie -no-pie
 */
#include "api.c"

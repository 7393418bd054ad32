# SPDX-License-Identifier: MIT
# compile.mk - a compile job for the bench: files of this tree, always made anew. Used by server_kinds.sh.
files := load run scale
.PHONY: all $(files)
all: $(files)
$(files):
	@$(CC) -O1 -D_GNU_SOURCE -Iinclude -c tests/bench/bench_$@.c -o $(O)/$@.o

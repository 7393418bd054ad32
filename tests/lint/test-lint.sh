#!/bin/bash
# SPDX-License-Identifier: MIT
# test-lint.sh - lint.sh on small trees, each wrong in exactly one way: each must be found, and the good
# one must pass. Called by lint.sh itself; makes the trees in a directory of its own.
set -u
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0 ran=0

head_of() { printf '/* SPDX-License-Identifier: MIT */\n/* %s - a file of a test. */\n' "$1"; }

good_tree() { # DIR
	mkdir -p "$1/include" "$1/shim" "$1/tools" "$1/build/shim"
	printf '%s\n' 'CALL_IO(send, x)' 'ALIAS(send64, send)' >"$1/rows"
	{
		head_of calls.def
		printf '#ifndef %s\n#define %s(...)\n#endif\n' CALL_IO CALL_IO CALL_FD CALL_FD \
			CALL_WAIT CALL_WAIT SPECIAL SPECIAL ALIAS ALIAS SPECIAL_ALIAS SPECIAL_ALIAS
		cat "$1/rows"
	} >"$1/include/calls.def"
	rm "$1/rows"
	{ head_of record.h; echo 'extern int record_size;'; } >"$1/include/record.h"
	{ head_of self.h; echo 'int self_tid(void);'; } >"$1/shim/self.h"
	{ head_of call.h; echo '#include "record.h"'; } >"$1/shim/call.h"
	{ head_of util.h; echo 'int util(void);'; } >"$1/tools/util.h"
	{
		head_of wrap.c
		echo '#include "call.h"'
		echo 'long send(void);'
		echo 'long send64(void);'
		printf 'long send(void)\n{\n\treturn 0;\n}\nlong send64(void)\n{\n\treturn 0;\n}\n'
	} >"$1/shim/wrap.c"
}

build_tree() { # DIR [CFLAGS]
	for f in "$1"/shim/*.c; do
		# shellcheck disable=SC2086
		${CC:-cc} -fPIC -O2 -w -fno-stack-protector -fcf-protection=none -U_FORTIFY_SOURCE ${2:-} \
			-I"$1/include" -c "$f" -o "$1/build/shim/$(basename "$f" .c).o" || return 1
	done
	# shellcheck disable=SC2086
	${CC:-cc} -shared ${3:-} -o "$1/build/libfdwhy.so" "$1"/build/shim/*.o
}

lint() { O=build bash "$here/lint.sh" "$1" 2>&1; }

# A tree named $1, made bad by the command $2, must be told of in words that match $3.
bad() {
	local name=$1 change=$2 words=$3 out
	ran=$((ran + 1))
	good_tree "$tmp/$name"
	(cd "$tmp/$name" && eval "$change") || { echo "test-lint: $name: could not be made"; failed=1; return; }
	build_tree "$tmp/$name" "${4:-}" "${5:-}" || { echo "test-lint: $name: did not build"; failed=1; return; }
	if out=$(lint "$tmp/$name"); then
		echo "test-lint: $name: was not found"
		failed=1
	elif ! grep -Eq "$words" <<<"$out"; then
		echo "test-lint: $name: said instead of \"$words\":"
		echo "$out"
		failed=1
	fi
}

good() {
	local out
	ran=$((ran + 1))
	good_tree "$tmp/good"
	(cd "$tmp/good" && eval "$1")
	build_tree "$tmp/good"
	out=$(lint "$tmp/good") || { echo "test-lint: the good tree was refused:"; echo "$out"; failed=1; }
}

lines() { for ((i = 0; i < $1; i++)); do printf '%s\n' "$2"; done; }
export -f lines head_of

good 'printf "int f(int a)\n{\n\tif (a) {\n\t\tif (a > 1)\n\t\t\treturn a +\n\t\t\t\t\t1;\n\t}\n\treturn 0;\n}\n" >>tools/util.h'
bad no-licence 'sed -i 1d tools/util.h' 'util.h:1: no licence'
bad no-opening 'sed -i 2d tools/util.h' 'util.h:2: no opening comment'
bad long-line 'printf "// %0101d\n" 1 >>tools/util.h' 'util.h:4: 104 columns'
bad tab-line 'printf "\t\t\t\t\t\t\t\t\t\t\t\t/* wide */\n" >>tools/util.h' 'util.h:4: 106 columns'
bad long-file 'lines 500 "int a;" >>tools/util.h' 'file of 503 lines'
bad long-function '{ echo "void f(void)"; echo "{"; lines 41 "	;"; echo "}"; } >>tools/util.h' 'util.h:5: function of 41 lines'
bad deep 'printf "void f(int a)\n{\n\tif (a)\n\t\tif (a)\n\t\t\tif (a)\n\t\t\t\ta++;\n}\n" >>tools/util.h' 'util.h:9: 4 levels'
bad left-over 'echo "/* TO""DO: more */" >>shim/self.h' 'self.h:4: work left'
bad merge 'mkdir docs; printf "a\n<<<<<<< HEAD\n" >docs/x.md' 'docs/x.md:2: two sides of a merge'
bad private 'echo "/* see /ho""me/somebody/x */" >>shim/self.h' 'self.h:4: a path of one machine'
bad shim-tools 'echo "#include \"../tools/util.h\"" >>shim/call.h' 'call.h:4: shim/ includes tools/util.h'
bad tools-shim 'echo "#include \"../shim/self.h\"" >>tools/util.h' 'util.h:4: tools/ includes shim/self.h'
bad upwards 'echo "#include \"call.h\"" >>shim/self.h' 'self.h:4: floor 2 .shim/self. includes shim/call.h'
bad sideways '{ head_of stack.h; echo "#include \"store.h\""; } >shim/stack.h; head_of store.h >shim/store.h' 'stack.h:3: floor 4'
bad no-floor 'head_of other.h >shim/other.h' 'other.h:1: a file without a floor'
bad no-file 'echo "#include \"gone.h\"" >>shim/self.h' 'self.h:4: include of an unknown file gone.h'
bad extra-export 'echo "int helper; " >>shim/wrap.c' 'exports helper'
bad lost-row 'echo "CALL_IO(recv, x)" >>include/calls.def' 'row recv is not exported'
bad uses-malloc 'echo "void *malloc(unsigned long); void *fdwhy_x(void) { return malloc(3); }" >>shim/wrap.c' 'wrap.c:1: uses malloc: .*static arena'
bad uses-lock 'echo "int pthread_mutex_lock(void *); int fdwhy_x(void) { return pthread_mutex_lock(0); }" >>shim/wrap.c' 'uses pthread_mutex_lock: .*no locks'
bad uses-unknown 'echo "int getpid(void); int fdwhy_x(void) { return getpid(); }" >>shim/wrap.c' 'uses getpid: .*libc-allowed'
bad not-its-place 'echo "int setenv(void); int fdwhy_x(void) { return setenv(); }" >>shim/wrap.c' 'uses setenv'
bad tls-call 'echo "__thread int fdwhy_t; int *fdwhy_x(void) { return &fdwhy_t; }" >>shim/wrap.c' 'thread-local data through a call' -ftls-model=global-dynamic
bad stale-coverage 'mkdir -p docs; printf "<!-- made by: make coverage -->\n<!-- end -->\n" >docs/coverage.md' 'coverage.md:1: not the rows'
bad other-figures 'mkdir docs; printf "<!-- figures: x -->\n%s\n<!-- end of figures -->\n" 1 >docs/bench.md; sed s/1/2/ docs/bench.md >README.md' 'README.md:1: its figures'
bad a-library 'true' 'needs libm.so' '' '-Wl,--no-as-needed -lm'

[ $failed -eq 0 ] && echo "lint: $ran trees judged rightly"
exit $failed

# SPDX-License-Identifier: MIT
# make            build/libfdwhy.so and build/fdwhy      make check   all tests
# make run        the demonstration, or CMD='...'        make lint    floors, exports, forbidden calls
# make check-truth  known leaks of released programs, healthy daemons (fetches, builds, takes minutes)
# make check-foreign  other programs' tests, with and without the shim
# make check-sweep  each call of a small library's own tests fails once (fetches it, takes minutes)
# make bench      measurements                           make install / uninstall  PREFIX= DESTDIR=
# V=1 shows commands, O=dir builds elsewhere, WERROR=1 stops at warnings, SAN=address,undefined builds tools and tests with it.

VERSION := 0.1.0
O ?= build
PREFIX ?= /usr/local
CC ?= cc
ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2);)

PACKAGES := gcc make pkg-config libc6-dev libunwind-dev liblzma-dev libdw-dev libelf-dev \
	libjson-c-dev libmnl-dev libiberty-dev libcmocka-dev
TEST_PACKAGES := redis-server redis-tools dovecot-core dovecot-imapd kea-dhcp4-server nginx libjemalloc2 \
	libnginx-mod-http-fancyindex valgrind clang python3-pytest g++ perl fakeroot faketime \
	libtcmalloc-minimal4 libsocket-wrapper haproxy memcached lighttpd
TEST_PACKAGES += $(if $(filter x86_64,$(ARCH)),gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)
# What only check-truth needs: to build programs with a known leak, and larger daemons.
TRUTH_PACKAGES := dpkg-dev patch xz-utils libexpat1-dev nodejs openssh-server apache2-bin php-fpm \
	postgresql
# What only check-foreign needs: programs whose own tests it runs.
FOREIGN_PACKAGES := python3 libpython3.11-testsuite redis-server redis-tools nginx wrk memcached haproxy \
	postgresql openssh-server openssh-client openssh-sftp-server postfix php-cli php-fpm libfcgi-bin \
	nodejs openjdk-17-jdk-headless perl git dpkg-dev xz-utils

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS ?= -O2 -g
BASE := -std=gnu11 $(WARN) $(if $(WERROR),-Werror) -Iinclude -Icommon -D_GNU_SOURCE -DFDWHY_VERSION='"$(VERSION)"' -MMD -MP
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
# The shim is a guest: no stack protector, no fortify, no sanitizer, hidden by default, and its own
# unwind tables complete at every instruction, because it unwinds through itself.
SHIM_CFLAGS = $(BASE) $(CFLAGS) -fPIC -fvisibility=hidden -fno-stack-protector -U_FORTIFY_SOURCE \
	-fasynchronous-unwind-tables -fno-exceptions -fcf-protection=none -fomit-frame-pointer \
	-fno-builtin-malloc -fno-plt
TOOL_LIBS := libdw libelf libunwind-ptrace libunwind-generic json-c libmnl
TOOL_CFLAGS = $(BASE) $(CFLAGS) $(SANFLAGS) $(shell pkg-config --cflags $(TOOL_LIBS))
TOOL_LDLIBS = $(shell pkg-config --libs $(TOOL_LIBS)) -liberty -lm
TEST_CFLAGS = $(TOOL_CFLAGS) -Ishim -Itools -Itests/e2e
TEST_LDLIBS = -lcmocka $(TOOL_LDLIBS) -lpthread -ldl

# libunwind unwinds in the shim only where our own layers are not written (or UNWIND=libunwind).
UNWIND ?= $(if $(filter x86_64 aarch64,$(ARCH)),own,libunwind)
ifeq ($(UNWIND),own)
SHIM_STACK := shim/stack.c shim/stack_memo.c shim/stack_rules.c shim/stack_cfi.c
else
SHIM_STACK := shim/stack_libunwind.c
endif
SHIM_SRC := $(filter-out shim/stack%,$(wildcard shim/*.c)) $(SHIM_STACK) \
	$(wildcard shim/arch/$(ARCH)*.[cS])
TOOL_SRC := $(wildcard tools/*.c)
# What programs may include.
API := include/fdwhy.h include/fdwhy_cmocka.h
# The grammar of rules, in both halves: an object each.
COMMON_SRC := $(wildcard common/*.c)
UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
ifneq ($(UNWIND),own) # tests of our layers' insides
UNIT := $(filter-out test_stack_cfi test_stack_memo test_stack_find test_stack_reach test_stack_table,$(UNIT))
endif
E2E := $(patsubst tests/e2e/%.c,%,$(wildcard tests/e2e/test_*.c))
TARGETS := $(basename $(notdir $(wildcard tests/targets/*.c tests/targets/*.cc)))

shim_o := $(patsubst %,$O/%.o,$(basename $(SHIM_SRC))) $(COMMON_SRC:%.c=$O/shim/%.o)
tool_o := $(TOOL_SRC:%.c=$O/%.o) $(COMMON_SRC:%.c=$O/tools/%.o)
targets := $(TARGETS:%=$O/targets/%)
# The worked example of the C API, and the same with its bug.
examples := $O/examples/test_dial $O/examples/test_dial_leaks
tests := $(UNIT:%=$O/unit/%) $(E2E:%=$O/e2e/%)

export CMD
.PHONY: all deps test-deps run check check-truth check-foreign test lint warnings coverage bench install uninstall clean
.DELETE_ON_ERROR:
.SECONDARY:
all: $O/libfdwhy.so $O/fdwhy $O/default.supp

$O/default.supp: tools/default.supp
	@mkdir -p $(@D)
	$(Q)cp $< $@

# Code and constants in one mapping: two mappings less to make, copy at fork and take down.
$O/libfdwhy.so: $(shim_o) $O/exports.map shim/layout.ld
	$(call say,LD,$@)$(CC) -shared -Wl,-soname,libfdwhy.so -Wl,--version-script,$O/exports.map \
		-nostartfiles -Wl,-T,shim/layout.ld,-z,norelro,-z,now,-z,nodelete,-z,defs,-z,noseparate-code -Wl,-O1 -Wl,--hash-style=gnu $(LDFLAGS) \
		$(shim_o) -ldl -o $@

$O/exports.map: include/calls.def Makefile
	@mkdir -p $(@D)
	$(Q)printf '#define CALL_IO(n, ...) n;\n#define CALL_FD(n, ...) n;\n#define CALL_WAIT(n, ...) n;\n#define CALL_TRY(n, ...) n;\n#define SPECIAL(n, ...) n;\n#define ALIAS(a, n) a;\n#define SPECIAL_ALIAS(a, n) a;\n#include "calls.def"\n' | \
		$(CC) -E -P -Iinclude -xc - | { echo '{ global: fdwhy_*; __asan_default_options;'; cat; echo 'local: *; };'; } > $@

$O/fdwhy: $(tool_o)
	$(call say,LD,$@)$(CC) $(SANFLAGS) $(LDFLAGS) $(tool_o) $(TOOL_LDLIBS) -o $@

$O/shim/%.o: shim/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(SHIM_CFLAGS) -c $< -o $@
$O/shim/%.o: shim/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)$(CC) $(SHIM_CFLAGS) -c $< -o $@
$O/shim/common/%.o: common/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(SHIM_CFLAGS) -c $< -o $@
$O/tools/common/%.o: common/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(TOOL_CFLAGS) -c $< -o $@
$O/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(TOOL_CFLAGS) -c $< -o $@

# Unit tests link every object but the wrappers and plain memory (which would interpose in the test)
# and main.
$O/shim.a: $(filter-out $O/shim/wrap% $O/shim/init% $O/shim/plain.o $O/shim/arch/%vfork.o,$(shim_o))
	@rm -f $@
	$(Q)ar rcs $@ $^
$O/tools.a: $(filter-out $O/tools/main.o,$(tool_o))
	@rm -f $@
	$(Q)ar rcs $@ $^
$O/unit/%: tests/unit/%.c $O/shim.a $O/tools.a
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(TEST_CFLAGS) $< $O/shim.a $O/tools.a $(TEST_LDLIBS) -o $@
$O/unit/test_stack_paths: $O/tests/unit/stack_thrown.o $O/targets/storm_plugin $O/targets/misuse_plugin
$O/unit/test_stack_paths: TEST_LDLIBS += $O/tests/unit/stack_thrown.o -lstdc++
$O/tests/unit/%.o: tests/unit/%.cc
	@mkdir -p $(@D)
	$(call say,CXX,$<)$(CXX) -Wall -Wextra $(CFLAGS) -MMD -MP -c $< -o $@
$O/e2e/%: tests/e2e/%.c $O/tests/e2e/harness.o $O/tools.a
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(TEST_CFLAGS) $< $(filter %.o %.a,$^) $(TEST_LDLIBS) -o $@
$O/e2e/test_truth: $O/tests/e2e/truth_leaks.o
$O/e2e/test_healthy: $O/tests/e2e/healthy_daemons.o
$O/tests/e2e/%.o: tests/e2e/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(TEST_CFLAGS) -c $< -o $@
# Targets are built as a distribution builds daemons; a line "LIBS: ..." in one adds libraries.
$O/targets/%: tests/targets/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(BASE) -O2 -g -Iinclude $< -o $@ -lpthread \
		$$(sed -n 's|^.*LIBS: *\(.*[^ */]\).*|\1|p' $<)
# A handler that throws does so in the middle of anything.
$O/targets/%: tests/targets/%.cc
	@mkdir -p $(@D)
	$(call say,CXX,$<)$(CXX) -Wall -Wextra -D_GNU_SOURCE -O2 -g -fnon-call-exceptions $< -o $@ -lpthread

$O/examples/test_dial_leaks: CFLAGS += -DDIAL_LEAKS
$(examples): examples/test_dial.c examples/dial.c examples/dial.h $(API)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu11 $(WARN) $(CFLAGS) -Iinclude examples/test_dial.c \
		examples/dial.c -lcmocka -o $@

deps:
	$(Q)tests/deps.sh build $(PACKAGES)
test-deps: deps
	$(Q)tests/deps.sh test $(TEST_PACKAGES)

# The sub-make reads the pkg-config files that deps may just have installed.
run: deps
	$(Q)$(MAKE) --no-print-directory all $O/targets/mailhub
	$(Q)O=$O tests/run-demo.sh "$$CMD"
check: test-deps
	$(Q)$(MAKE) --no-print-directory lint warnings test
# Leaks that were released and fixed, built with the fix taken out again: the table of docs/leaks.md.
# And twelve healthy daemons under load for a minute.
.PHONY: check-sweep
check-sweep: all
	$(Q)tests/deps.sh sweep dpkg-dev
	$(Q)O=$O tests/sweep/check.sh

check-truth: test-deps
	$(Q)tests/deps.sh truth $(TRUTH_PACKAGES)
	$(Q)$(MAKE) --no-print-directory all $O/e2e/test_truth $O/e2e/test_healthy
	$(Q)O=$O tests/truth/build.sh
	$(Q)rm -f $O/truth/table.md
	$(Q)FDWHY_TRUTH=all FDWHY_TRUTH_TABLE=$(abspath $O)/truth/table.md FDWHY_HEALTHY_S=60 \
		TEST_TIMEOUT=1800 O=$O tests/run-tests.sh $O/e2e/test_truth $O/e2e/test_healthy
	$(Q)cat $O/truth/table.md
# Unit tests of the tool a second time, with the sanitizers. The shim is not built for them.
san_tests := $(filter-out test_stack% test_vfork,$(UNIT))
san_tests := $(san_tests:%=$O/san/unit/%)
$(san_tests): sanitized
.PHONY: sanitized
sanitized:
	$(Q)$(MAKE) --no-print-directory O=$O/san SAN=address,undefined $(san_tests)
# The shim and some targets for aarch64, where there is a compiler for it; qemu-user runs them.
cross_targets := lifetime eagain_recv small_stacks cancelled fortified inside_libc open_modes dup2_low \
	errno_on_success
.PHONY: cross
cross:
	$(Q)! command -v aarch64-linux-gnu-gcc >/dev/null || $(MAKE) --no-print-directory O=$O/aarch64 \
		CC=aarch64-linux-gnu-gcc $O/aarch64/libfdwhy.so $(cross_targets:%=$O/aarch64/targets/%)
test: $(if $(SAN),,cross) all $(tests) $(targets) $(examples) $(if $(SAN),,$(san_tests))
	$(Q)O=$O tests/run-tests.sh $(tests) $(if $(SAN),,$(san_tests))
# The tests of other people's programs, with and without the shim: SUITES= names some.
check-foreign: deps
	$(Q)tests/deps.sh test $(FOREIGN_PACKAGES)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$O tests/foreign/run.sh $(SUITES)
lint: $O/libfdwhy.so
	$(Q)O=$O tests/lint/lint.sh
# What the other compiler warns of is an error here; nothing is kept but a mark.
warnings: $(if $(shell command -v clang),$(patsubst %.c,$O/clang/%.ok,$(SHIM_SRC:%.S=) $(COMMON_SRC) \
	$(TOOL_SRC) $(wildcard tests/unit/*.c tests/e2e/*.c tests/targets/*.c)))
$O/clang/%.ok: %.c
	@mkdir -p $(@D)
	$(call say,CLANG,$<)clang -fsyntax-only -Werror -MF $(@:.ok=.d) -MT $@ $(filter-out -MMD,$(TEST_CFLAGS)) -MD $< && touch $@
coverage: # the tables of docs/coverage.md, after a change of calls.def
	$(Q)tests/lint/coverage.sh --write
bench: all $(targets)
	$(Q)O=$O tests/bench/bench.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/fdwhy \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man3 \
		$(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 755 $O/fdwhy $(DESTDIR)$(PREFIX)/bin/fdwhy
	install -m 755 $O/libfdwhy.so $(DESTDIR)$(PREFIX)/lib/fdwhy/libfdwhy.so
	install -m 644 tools/default.supp $(DESTDIR)$(PREFIX)/lib/fdwhy/default.supp
	install -m 644 $(wildcard docs/*.1) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(wildcard docs/*.3) $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 $(API) $(DESTDIR)$(PREFIX)/include
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' fdwhy.pc.in \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/fdwhy.pc
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/fdwhy $(DESTDIR)$(PREFIX)/lib/fdwhy/libfdwhy.so \
		$(DESTDIR)$(PREFIX)/lib/fdwhy/default.supp \
		$(DESTDIR)$(PREFIX)/lib/pkgconfig/fdwhy.pc \
		$(API:include/%=$(DESTDIR)$(PREFIX)/include/%) \
		$(patsubst docs/%,$(DESTDIR)$(PREFIX)/share/man/man1/%,$(wildcard docs/*.1)) \
		$(patsubst docs/%,$(DESTDIR)$(PREFIX)/share/man/man3/%,$(wildcard docs/*.3))
	-rmdir $(DESTDIR)$(PREFIX)/lib/fdwhy
clean:
	rm -rf $O

-include $(shim_o:.o=.d) $(tool_o:.o=.d) $(wildcard $O/unit/*.d $O/e2e/*.d $O/targets/*.d) $(shell find $O/clang -name "*.d" 2>/dev/null)

#!/bin/bash
# SPDX-License-Identifier: MIT
# source.sh PACKAGE - a Debian source package is configured, built, tested and installed, all of it
# under the shim. Outcomes: each answer that configure found, each file that was made, each test.
set -u
say() { printf '%s\t%s\n' "$1" "$2" >>"$OUT"; }
mkdir -p "$BUILD/foreign/source"
top=$BUILD/foreign/source
. "$HERE/../apt-source.sh"
if ! ls "$top/$1"_*.orig.tar.* >/dev/null 2>&1; then
	lists_once
	(cd "$top" && apt source --only-source --download-only "$1") >"$top/$1.log" 2>&1
fi
tarball=$(ls "$top/$1"_*.orig.tar.[gx]z 2>/dev/null | head -n 1)
[ -n "$tarball" ] || { say "$1" 'skipped, no source package reachable'; exit 0; }
mkdir source && tar -C source --strip-components=1 -xf "$tarball" && cd source || exit 1
export ACLOCAL=: AUTOMAKE=: AUTOCONF=: AUTOHEADER=: MAKEINFO=: SOURCE_DATE_EPOCH=1
cat >../all.sh <<'SH'
./configure --prefix=/usr --disable-silent-rules >configure.out 2>&1
echo "configure $?" >steps
make -j2 >make.out 2>&1
echo "make $?" >>steps
make check >check.out 2>&1
echo "make check $?" >>steps
make install DESTDIR="$PWD/root" >install.out 2>&1
echo "make install $?" >>steps
SH
# shellcheck disable=SC2086
$UNDER sh ../all.sh
say 'end of the script' "ok, $?"
while read -r line; do say "${line% *}" "ok, ${line##* }"; done <steps
grep -E '^(ac|gl|am|gt)_cv_[a-zA-Z0-9_]*=' config.log | sort -u | sed 's/=/\tok, /' >>"$OUT"
grep -E '^#define' config.h | sed 's/^#define \([^ ]*\) */config.h \1\tok, /' >>"$OUT"
grep -E '^(PASS|FAIL|SKIP|XFAIL|ERROR):' check.out | sed 's/^\([A-Z]*\): \(.*\)/test \2\tok, \1/' >>"$OUT"
sed 's/^# \([A-Z]*\): *\([0-9]*\)$/count \1\tok, \2/; t; d' check.out >>"$OUT"
# Compilers that run side by side write their lines in any order.
sort make.out | sed -E 's/^/made: /; s/[0-9]{2}:[0-9]{2}:[0-9]{2}//; s/$/\tok/' | uniq >>"$OUT"
find . -name '*.o' -exec md5sum {} + | sed 's/\([^ ]*\)  \(.*\)/\2\tok, \1/' >>"$OUT"
find root -type f ! -name '*.info*' -exec md5sum {} + | sed 's/\([^ ]*\)  \(.*\)/\2\tok, \1/' >>"$OUT"

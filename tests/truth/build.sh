#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh [NAME...] - programs with a leak that was once released and fixed: fetches the Debian source
# package, takes the fix out again (NAME.patch) and builds into $O/truth/NAME/: `program`, `version`; or
# `why`, when it could not. Writes nowhere else; what is already built stays.
set -u
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${O:=build}/truth"
top=$(cd "$O/truth" && pwd)
. "$here/../apt-source.sh"
jobs=$(nproc)
quiet="-s -j$jobs ACLOCAL=: AUTOMAKE=: AUTOCONF=: AUTOHEADER=: MAKEINFO=:"

# One line a program: the name of its source package, how to build it, what to run.
build_socat() {
	./configure -q --disable-openssl --disable-readline --disable-libwrap && make $quiet socat &&
		echo socat
}
build_findutils() {
	./configure -q --disable-nls && make $quiet -C gl && make $quiet -C lib &&
		make $quiet -C find find && echo find/find
}
build_rinetd() {
	./configure -q && make $quiet && echo rinetd
}
build_dbus() {
	./configure -q --disable-systemd --disable-tests --disable-xml-docs --disable-doxygen-docs \
		--disable-selinux --disable-apparmor --disable-libaudit --without-x \
		--disable-shared --enable-static &&
		make $quiet -C dbus && make $quiet -C bus dbus-daemon && echo bus/dbus-daemon
}
build_proftpd_dfsg() {
	./configure -q --disable-auth-pam --disable-cap --disable-ident --with-modules= &&
		make $quiet proftpd && echo proftpd
}

failed() {
	echo "$2" >"$top/$1/why"
	echo "  $1: $2 (see $top/$1/log)"
}

build() {
	local name=$1 dir="$top/$1" program start=$SECONDS
	[ "$dir/program" -nt "$here/$name.patch" ] && return
	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$dir" || exit 1
	lists_once
	apt source --only-source "$name" >log 2>&1 || { failed "$name" "no source package reachable"; return; }
	cd "$name"-*/ || exit 1
	sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog >../version.new
	sed -i 's/\r$//' "$(sed -n 's/^+++ b\///p' "$here/$name.patch")" # rinetd: DOS line ends
	patch -p1 <"$here/$name.patch" >>../log 2>&1 || { failed "$name" "the reverted fix does not apply"; return; }
	program=$("build_${name//-/_}" 2>>../log | tee -a ../log | tail -n 1)
	[ -x "$program" ] || { failed "$name" "does not build"; return; }
	ln -s "$PWD/$program" ../program && mv ../version.new ../version
	echo "  $name $(cat ../version), $(sed -n 's/^+++ b\///p' "$here/$name.patch"): $((SECONDS - start)) s"
}

[ $# -gt 0 ] || set -- $(cd "$here" && ls *.patch | sed 's/\.patch$//')
for name in "$@"; do
	(build "$name")
done

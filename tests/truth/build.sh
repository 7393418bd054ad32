#!/bin/bash
# SPDX-License-Identifier: MIT
# build.sh [NAME...] - programs with a leak that was once released and fixed: fetches the Debian source
# package, takes the fix out again (NAME.patch) and builds into $O/truth/NAME/: `program`, `version`; or
# `why`, when it could not. Writes nowhere else; what is already built stays.
set -u
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${O:=build}/truth"
top=$(cd "$O/truth" && pwd)
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

# Source lists of our own, from the Debian ones of this machine: nothing of the system is changed.
lists() {
	local code
	code=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mkdir -p "$top/apt/lists/partial" "$top/apt/cache/archives/partial" "$top/apt/parts"
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -e "$f" ] && awk -v RS= -v code="$code" \
			'$0 ~ "Suites:[^\n]*" code { gsub(/Types:[^\n]*/, "Types: deb-src"); print $0 "\n" }' "$f"
	done >"$top/apt/parts/debian.sources"
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n "s/^deb \(.*[ \/]$code[- ].*\)/deb-src \1/p" >"$top/apt/parts/debian.list"
	apt update
}
lists_once() {
	[ -e "$top/apt/ready" ] && return
	mkdir -p "$top/apt"
	lists >"$top/apt/log" 2>&1 && touch "$top/apt/ready"
}
apt() {
	apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$top/apt/parts" \
		-o "Dir::State::lists=$top/apt/lists" -o "Dir::Cache=$top/apt/cache" \
		-o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
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

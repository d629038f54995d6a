#!/bin/sh
# Gets what the tests need beside Go. On Debian as root it installs what is missing; anywhere else it fails and names
# it. It changes nothing when everything is there.
#
# This is the one list. A line is: check <Debian package> <what it is for> <command that succeeds when it is there>.
set -u

missing=''
check() {
	sh -c "$3" >/dev/null 2>&1 && return
	missing="$missing $1"
	echo "setup: missing $1: $2"
}
checks() {
	missing=''
	check postgresql 'the server store is tested on a real PostgreSQL' \
		'command -v initdb || ls /usr/lib/postgresql/*/bin/initdb'
	check qemu-user-static 'the arm64 programs are run, not only built' \
		'command -v qemu-aarch64-static || command -v qemu-aarch64'
	check libc6-arm64-cross 'the loader of the arm64 programs' \
		'test -e /usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1'
	check nodejs 'the independent client of the protocol (Node 18 or newer)' \
		'node -e "process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)"'
	check npm 'the rules of accessibility, axe-core, come from there' 'command -v npm'
	check default-jdk-headless 'the shell of the Android package is Java' 'command -v javac && command -v keytool'
	check aapt 'the resources of the Android package' 'command -v aapt'
	check android-framework-res 'the resources of Android itself' 'test -e /usr/share/android-framework-res/framework-res.apk'
	check zipalign 'the alignment of the Android package' 'command -v zipalign'
	check apksigner 'the signature of the Android package' 'command -v apksigner'
	check dexdump 'what the Android package holds is looked at' 'command -v dexdump'
	check zip 'the Android package is an archive' 'command -v zip'
	check chromium 'the pages are looked at in a browser' \
		'command -v chromium || command -v chromium-browser || command -v google-chrome'
	check chromium-l10n 'fields of days are looked at in Chinese too' \
		'command -v google-chrome || test -e /usr/lib/chromium/locales/zh-CN.pak || ! command -v apt-get'
	check fonts-noto-cjk 'pictures of the pages need Chinese letters' \
		'fc-list | grep -qi "noto.*cjk" || ls /usr/share/fonts/opentype/noto/NotoSansCJK-*.ttc'
}

# What no package holds is fetched at a version of its own, into the user's cache.
fetch() { sh "$(dirname "$0")/axe.sh" >/dev/null || { echo 'setup: axe-core could not be fetched (npm says why above)' >&2; exit 1; }; }

checks
[ -n "$missing" ] || { fetch; echo 'setup: everything is there'; exit 0; }

if ! command -v apt-get >/dev/null 2>&1; then
	echo "setup: this is not Debian; install what stands for these Debian packages and try again:$missing" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "setup: not root; run: sudo apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
# The lock timeout lets an apt-get that is at work already finish instead of failing the tests.
export DEBIAN_FRONTEND=noninteractive
apt='apt-get -q -o DPkg::Lock::Timeout=300'
said=$(mktemp)
trap 'rm -f "$said"' EXIT
echo "setup: installing$missing"
# shellcheck disable=SC2086 # both hold words, to be split
if ! { $apt update && $apt install -y --no-install-recommends $missing; } >"$said" 2>&1; then
	cat "$said"
	echo "setup: apt-get could not install:$missing (its own words stand above)" >&2
	exit 1
fi
checks
[ -z "$missing" ] || { echo "setup: installed, yet still not found:$missing" >&2; exit 1; }
fetch
echo 'setup: installed; everything is there'

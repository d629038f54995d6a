#!/bin/sh
# Prints the path of dx, the translator of Java for Android. Debian has it in release 11 and no later; there it is fetched from, by apt
# with a configuration of its own, from the mirror that this machine uses, into the user's cache. Nothing is installed.
set -eu
if command -v dalvik-exchange >/dev/null 2>&1; then
	command -v dalvik-exchange
	exit 0
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/minqing/dx
if [ ! -x "$cache/dx" ]; then
	rm -rf "$cache"
	mkdir -p "$cache/lists/partial" "$cache/archives/partial" "$cache/parts"
	mirror=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
		sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | grep -v security | head -n 1)
	[ -n "$mirror" ] || { echo 'dx: no Debian mirror is configured on this machine' >&2; exit 1; }
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" >"$cache/sources"
	apt() {
		apt-get -q -o "Dir::Etc::sourcelist=$cache/sources" -o "Dir::Etc::sourceparts=$cache/parts" -o "Dir::State=$cache" -o "Dir::State::lists=$cache/lists" \
			-o "Dir::Cache=$cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Debug::NoLocking=true "$@" >&2
	}
	apt update
	( cd "$cache" && apt download dalvik-exchange )
	dpkg -x "$cache"/dalvik-exchange_*.deb "$cache/files"
	jar=$(find "$cache/files" -name 'com.android.dx-*.jar' -type f | head -n 1)
	[ -n "$jar" ] || { echo 'dx: the package holds no dx.jar' >&2; exit 1; }
	printf '#!/bin/sh\nexec java -Xmx512m -cp "%s" com.android.dx.command.Main "$@"\n' "$jar" >"$cache/dx.new"
	chmod +x "$cache/dx.new"
	mv "$cache/dx.new" "$cache/dx"
fi
echo "$cache/dx"

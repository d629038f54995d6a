#!/bin/sh
# Builds every command that exists, without cgo: for this machine into bin/, or with "all" for each system the programs
# must run on into bin/<system>-<architecture>/. Linking is part of it: some targets compile and do not link.
set -eu
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0

commands=''
for dir in server/cmd/* mobile-client/cmd/* internal/cmd/*; do
	for file in "$dir"/*.go; do
		[ -e "$file" ] && commands="$commands ./$dir"
		break
	done
done
[ -n "$commands" ] || { echo 'build: no commands yet'; exit 0; }

if [ "${1:-}" != all ]; then
	# shellcheck disable=SC2086 # a list of words
	go build -o bin/ $commands
	echo "build: bin/:$(for c in $commands; do printf ' %s' "${c##*/}"; done)"
	exit 0
fi
for target in linux/amd64 linux/arm64 windows/amd64 darwin/arm64 android/arm64; do
	out=bin/${target%/*}-${target#*/}/
	# shellcheck disable=SC2086 # a list of words
	GOOS=${target%/*} GOARCH=${target#*/} go build -o "$out" $commands
	echo "build: $out:$(for c in $commands; do printf ' %s' "${c##*/}"; done)"
done

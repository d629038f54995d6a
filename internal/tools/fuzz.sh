#!/bin/sh
# Runs every fuzz target of the repository in turn, each for the time given (20s without one). Go fuzzes one target of
# one package at a time, so they are listed first.
set -eu
cd "$(dirname "$0")/../.."
time=${1:-20s}

list=$(mktemp)
trap 'rm -f "$list"' EXIT
go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./... | while read -r package; do
	go test -list '^Fuzz' "$package" | sed -n "s|^\(Fuzz[A-Za-z0-9_]*\)\$|$package \1|p"
done >"$list"

count=0
while read -r package target; do
	echo "fuzz: $package $target for $time"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" </dev/null
	count=$((count + 1))
done <"$list"
echo "fuzz: targets=$count failures=0"

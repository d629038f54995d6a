#!/bin/sh
# Everything that must hold before a change goes in, one step after the other; the first that fails ends the run, says
# so in its last line, and gives the exit code. Arguments are packages for the last step (all, without any).
set -u
cd "$(dirname "$0")/../.." || exit 1
export CGO_ENABLED=0
began=$(date +%s)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

step() { printf '\n== %s (after %d s)\n' "$1" $(($(date +%s) - began)); }
fail() {
	printf '\nFAILED: %s, after %d s\n' "$1" $(($(date +%s) - began))
	exit 1
}

step 'setup: what the tests need'
sh internal/tools/setup.sh || fail 'setup (what is missing stands above)'

step 'gofmt'
git -c safe.directory='*' ls-files -z '*.go' | xargs -0 gofmt -l >"$log" || fail 'gofmt (files that do not parse stand above)'
if [ -s "$log" ]; then
	cat "$log"
	fail 'gofmt: run gofmt -w on the files above'
fi
echo 'gofmt: clean'

step 'go vet'
go vet ./... || fail 'go vet'
echo 'vet: clean'

step 'build: every command for every system, without cgo'
sh internal/tools/build.sh all || fail 'build'

step 'go test'
# The simulator's 2,000 histories take about six minutes of two processors, on a slow machine several times that.
{ go test -timeout 45m "${@:-./...}" 2>&1; echo $? >"$log.rc"; } | tee "$log"
rc=$(cat "$log.rc")
rm -f "$log.rc"
passed=$(grep -c '^ok ' "$log")
failed=$(grep -c '^FAIL	' "$log")
untested=$(grep -c 'no test files' "$log")
printf '\ntest: packages=%d passed=%d failed=%d without_tests=%d seconds=%d\n' \
	$((passed + failed + untested)) "$passed" "$failed" "$untested" $(($(date +%s) - began))
if [ "$rc" -ne 0 ]; then
	grep -E '^(FAIL	|--- FAIL:|panic:)' "$log"
	fail 'go test'
fi
echo 'PASSED: all of it'

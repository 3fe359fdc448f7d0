#!/usr/bin/env bash
# Runs every test under a sanitizer, the daemon included: `sanitize.sh address` or `sanitize.sh thread`.
# Further arguments go to `swift test`.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/common.sh"
. Scripts/requirements.sh

require_swift
kind=${1:?which sanitizer: address or thread}
shift
flags=(--scratch-path ".build/sanitize-$kind" --sanitize="$kind")
case $kind in
    # The test runner itself leaves some memory behind when it ends.
    address) export ASAN_OPTIONS=detect_leaks=0 ;;
    thread) flags+=(-Xswiftc -DTHREAD_SANITIZER) ;;
    *) die "'$kind' is neither address nor thread." ;;
esac
export SWIFT_BACKTRACE=enable=no

swift build "${flags[@]}" --build-tests </dev/null >&2
NIGHTJAR_BIN=$PWD/.build/sanitize-$kind/debug/nightjar
export NIGHTJAR_BIN

# Daemons report into files as well, and a report fails the run even where the test that caused it passed.
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
export ASAN_OPTIONS="${ASAN_OPTIONS-}:log_path=$reports/address" TSAN_OPTIONS="log_path=$reports/thread"
status=0
swift test "${flags[@]}" --skip-build --disable-xctest "$@" </dev/null || status=$?
for report in "$reports"/*; do
    [[ -e $report ]] || continue
    cat "$report" >&2
    status=1
done
exit "$status"

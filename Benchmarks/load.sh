# shellcheck shell=bash
# The program that makes the benchmarks' own load. Needs requirements.sh.

# require_load: NIGHTJAR_LOAD is its path, built now unless the caller's environment names one.
require_load() {
    if [[ -z ${NIGHTJAR_LOAD:-} ]]; then
        require_swift
        say "Building the program that makes the load"
        NIGHTJAR_BENCH=1 swift build -c release --static-swift-stdlib --product load </dev/null >&2
        NIGHTJAR_LOAD=.build/release/load
    fi
    NIGHTJAR_LOAD=$(realpath "$NIGHTJAR_LOAD")
    [[ -x $NIGHTJAR_LOAD ]] || die "There is no program $NIGHTJAR_LOAD."
    export NIGHTJAR_LOAD
}

#!/usr/bin/env bash
# Feeds mutated messages to every parser: as many runs as asked for, shared out among the parsers, guided by coverage and
# watched by the address and leak sanitizers. Ends at the first input that a parser fails on, which stays beside the
# corpus folders.
#
#     fuzz.sh [RUNS [PARSER…]]      10 000 000 runs over all parsers unless told
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"

readonly corpus=.build/fuzz-corpus scratch=.build/fuzz
export ASAN_OPTIONS=quarantine_size_mb=8 SWIFT_BACKTRACE=enable=no

main() {
    local runs=${1:-10000000} parser share longest
    [[ $runs =~ ^[1-9][0-9]*$ ]] || die "Say how many runs, as a number: make fuzz RUNS=10000000"
    shift || true
    NIGHTJAR_FUZZ=1 swift build -c release --scratch-path "$scratch" --product fuzz </dev/null >&2
    printf '%-14s %12s %10s %10s %10s\n' Parser inputs "a second" "most MiB" seconds
    while read -r parser share longest; do
        (($# == 0)) || [[ " $* " == *" $parser "* ]] || continue
        fuzz "$parser" $((runs * share / 100)) "$longest"
    done < <("$scratch/release/fuzz")
    printf '%-14s %12s\n' all "$total"
}
total=0

# fuzz PARSER RUNS LONGEST: one parser, and a line about it.
fuzz() {
    local folder=$corpus/$1 log=$corpus/$1.log start=$SECONDS
    mkdir -p "$folder"
    "$scratch/release/fuzz" "$1" "$folder" -runs="$2" -max_len="$3" -timeout=10 -rss_limit_mb=512 -malloc_limit_mb=64 \
        -print_final_stats=1 -artifact_prefix="$corpus/$1-" </dev/null >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        die "The parser of $1 failed; the whole report is in $log."
    }
    local inputs
    inputs=$(statistic "$log" number_of_executed_units)
    total=$((total + inputs))
    printf '%-14s %12s %10s %10s %10s\n' "$1" "$inputs" "$(statistic "$log" average_exec_per_sec)" \
        "$(statistic "$log" peak_rss_mb)" $((SECONDS - start))
}

# statistic LOG NAME
statistic() {
    sed -n "s/^stat::$2: *//p" "$1"
}

main "$@"

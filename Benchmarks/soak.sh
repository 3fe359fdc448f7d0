#!/usr/bin/env bash
# One TCP stream at full speed through the tunnel for a long time, with a ping every second beside it: whether the two
# daemons' memory, descriptors or threads grow. Keys are renewed every two minutes, as always. It fails when they do.
#
#     soak.sh [MINUTES=20]        NIGHTJAR=/path/to/a/daemon
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Scripts/tunnel.sh
. Scripts/measure.sh

minutes=${1:-20}
[[ $# -le 1 && $minutes =~ ^[1-9][0-9]{0,3}$ ]] || die "The only argument is a number of minutes."
# Seconds between two samples, KiB of memory at most, and KiB that the last quarter's mean may be above the second's.
readonly minutes interval=10 most_memory=24576 most_growth=256

main() {
    in_sandbox || prepare
    enter_sandbox $((120 + 60 * minutes)) "$@"
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    on_exit "$scratch"/{client,server,ping}.log
    start_tunnel
    step "$minutes minutes of TCP, from $(date +%T) on"
    start_load
    take_samples
    finish_load
    print_report
}

prepare() {
    require_machine
    need ip=iproute2 ss=iproute2 ping=iputils-ping wg=wireguard-tools iperf3=iperf3 jq=jq
    require_program
}

start_tunnel() {
    step "starting the daemons"
    make_hosts
    local side
    for side in client server; do
        start_daemon "$side" "$side" "$NIGHTJAR"
        daemons[$side]=$SPAWNED
    done
    connect_hosts client server 51820 0
    start_iperf server
    wait_until 10 at client ping -n -c 1 -W 2 10.0.0.2
}
declare -A daemons

# start_load: lasts a few seconds longer than the samples, so that each is taken under load.
start_load() {
    local seconds=$((60 * minutes + 5))
    spawn "$scratch/iperf.json" ip netns exec client \
        timeout $((seconds + 20)) iperf3 -c 10.0.0.2 -t "$seconds" --interval 60 --json
    stream=$SPAWNED
    spawn "$scratch/ping.log" ip netns exec client \
        timeout $((seconds + 20)) ping -n -q -i 1 -W 2 -c $((60 * minutes)) 10.0.0.2
    pings=$SPAWNED
}

# take_samples: lines of "daemon TAB what TAB figure".
take_samples() {
    local start=$SECONDS count=$((60 * minutes / interval)) number side
    for ((number = 1; number <= count; number++)); do
        sleep $((start + number * interval - SECONDS))
        for side in client server; do
            sample "$side" "${daemons[$side]}"
        done >>"$scratch/samples"
        gone "$stream" && die "The stream ended early: $(jq -r '.error // "no reason"' "$scratch/iperf.json")."
        ((number * interval % 60 != 0)) || say "    $((number * interval / 60)) of $minutes minutes"
    done
}

# sample SIDE PID
sample() {
    sed -n "s/^VmRSS:[^0-9]*\([0-9]*\) kB/$1\tmemory\t\1/p; s/^Threads:[^0-9]*/$1\tthreads\t/p" "/proc/$2/status"
    printf '%s\tdescriptors\t%s\n' "$1" "$(find "/proc/$2/fd" -mindepth 1 | wc -l)"
    printf '%s\thandshake\t%s\n' "$1" "$(at "$1" wg show "$1" latest-handshakes | cut -f 2)"
}

finish_load() {
    wait "$stream" || die "The stream failed: $(jq -r '.error // "no reason"' "$scratch/iperf.json")."
    # Its status says whether answers were missing, which the report does as well.
    wait "$pings" || true
}

print_report() {
    local status=0
    awk -f Benchmarks/soak.awk -v most_memory=$most_memory -v most_growth=$most_growth -v interval=$interval \
        "$scratch/samples" || status=$?
    printf '\n%s\n' "$minutes minutes of one TCP stream at $(received_gbits <"$scratch/iperf.json" | xargs printf %.2f) \
Gbit/s; pings: $(sed -n 's/ packets transmitted, / sent, /; s/\(.* received\), .*/\1/p' "$scratch/ping.log"); \
handshakes seen: $(awk '$1 == "client" && $2 == "handshake"' "$scratch/samples" | sort -u | wc -l)."
    ((status == 0)) || die "The memory is above the bar, or something grows."
}

main "$@"

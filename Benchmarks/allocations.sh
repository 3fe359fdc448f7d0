#!/usr/bin/env bash
# Shows whether memory is allocated per packet: two Nightjars run under a counter of allocations while some packets,
# and then ten times as many, go through the tunnel. What is allocated per packet shows as a difference.
#
#     allocations.sh        NIGHTJAR=/path/to/a/daemon
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Scripts/tunnel.sh
. Scripts/measure.sh

# Packets of the smaller run: pings, there and back; and TCP, as the bytes that this many full segments carry.
readonly few_pings=10000 few_segments=200000 segment=1368
# Timers, handshakes and statistics may allocate now and then; this is far below anything that goes with packets.
readonly allowed_per_thousand=1

main() {
    in_sandbox || prepare
    enter_sandbox 300
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    on_exit "$scratch"/{client,server}.log
    build_counter
    start_tunnel
    check_counter
    step "warming up"
    send_pings $few_pings
    send_tcp $few_segments
    row Traffic packets allocations "per 1000 more packets" ""
    row :-------------------- -------: ----------: --------------------: :-----
    compare "ping, both directions" send_pings $few_pings 2
    compare "TCP, full segments" send_tcp $few_segments 1
    ((failures == 0)) || die "Memory is allocated per packet."
}
failures=0

prepare() {
    require_machine
    need ip=iproute2 ss=iproute2 ping=iputils-ping wg=wireguard-tools iperf3=iperf3 jq=jq
    command -v cc >/dev/null || command -v clang >/dev/null || need cc=gcc
    require_program
}

build_counter() {
    step "building the counter"
    "$(command -v cc || command -v clang)" -O2 -Wall -Wextra -shared -fPIC -o "$scratch/malloc-count.so" \
        Benchmarks/malloc-count.c
}

start_tunnel() {
    step "starting the daemons under the counter"
    make_hosts
    local side
    for side in client server; do
        start_daemon "$side" "$side" "$NIGHTJAR" \
            LD_PRELOAD="$scratch/malloc-count.so" MALLOC_COUNT_FILE="$scratch/$side.count"
    done
    connect_hosts client server 51820 0
    start_iperf server
}

# allocations: of both daemons, since they began.
allocations() {
    local side total=0
    for side in client server; do
        total=$((total + $(od -An -t u8 "$scratch/$side.count")))
    done
    echo "$total"
}

# check_counter: what `wg show` asks for must show in the count, or else a count of nothing would mean nothing.
check_counter() {
    step "checking that the counter counts"
    local before
    before=$(allocations)
    at client wg show client >/dev/null
    (($(allocations) > before)) || die "The counter sees no allocation of $NIGHTJAR; is it linked statically?"
}

# compare NAME SEND COUNT PACKETS: allocations while COUNT and ten times COUNT are sent, PACKETS packets for each.
compare() {
    local name=$1 send=$2 packets=$(($3 * $4)) start few many verdict=pass
    step "$name: $3, then ten times as many"
    start=$(allocations)
    "$send" "$3"
    few=$(($(allocations) - start))
    "$send" $((10 * $3))
    many=$(($(allocations) - start - few))
    if (((many - few) * 1000 > 9 * packets * allowed_per_thousand)); then
        verdict=miss
        failures=1
    fi
    row "$name" $packets $few "" ""
    row "$name" $((10 * packets)) $many \
        "$(awk "BEGIN { printf \"%.3f\", 1000 * ($many - $few) / (9 * $packets) }")" "$verdict"
}

row() { printf '| %-21s | %8s | %11s | %21s | %-6s |\n' "$@"; }

# send_pings COUNT: as fast as the answers come.
send_pings() { at client timeout 120 ping -q -f -c "$1" 10.0.0.2 >/dev/null; }

# send_tcp COUNT: that many full segments' worth of data.
send_tcp() { at client timeout 120 iperf3 -c 10.0.0.2 -n $(($1 * segment)) >/dev/null; }

main

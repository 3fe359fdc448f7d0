#!/usr/bin/env bash
# A tunnel between two Nightjars on this machine, with real traffic, and a report of what this run measured.
#
#     client ───── wire (a bridge; tshark listens here) ───── server
#
# The three are network namespaces inside a private one, so the machine's own network is never touched.
# NIGHTJAR=/path/to/a/daemon shows that one instead of building Nightjar.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Scripts/tunnel.sh
. Scripts/measure.sh
. Demo/observer.sh
. Demo/report.sh

readonly pings=200 pause=0.01 duration=4
# Said inside every ping, so that an observer has something to look for.
readonly secret=nightjar

main() {
    in_sandbox || prepare
    enter_sandbox 180
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    on_exit "$scratch"/{tunnel-client,tunnel-server,observer}.log
    say "Demo (about half a minute)"
    build_network
    measure_wire
    bring_tunnel_up
    observe_first_pings
    measure_tunnel
    report
}

prepare() {
    require_machine
    need ip=iproute2 ping=iputils-ping wg=wireguard-tools iperf3=iperf3 tshark=tshark dumpcap=wireshark-common jq=jq
    want ndpiReader=libndpi-bin
    require_program
}

build_network() {
    step "making the namespaces client, wire and server"
    make_namespace client wire server
    ip -n wire link add name bridge0 type bridge
    ip -n wire link set bridge0 up
    local side
    for side in client server; do
        join "$side" eth0 wire "$side"
        ip -n wire link set "$side" master bridge0
    done
    address client eth0 192.0.2.1/24 2001:db8::1/64
    address server eth0 192.0.2.2/24 2001:db8::2/64
    wait_until 5 at client ping -n -c 1 -W 1 192.0.2.2
}

measure_wire() {
    step "measuring the bare wire"
    start_iperf server
    round_trips client 192.0.2.2 $pings $pause >"$scratch/wire.rtt"
    iperf client 192.0.2.2 $duration >"$scratch/wire-4.json"
    iperf client 2001:db8::2 $duration >"$scratch/wire-6.json"
}

bring_tunnel_up() {
    step "bringing the tunnel up"
    local side
    for side in client server; do
        start_daemon "$side" "tunnel-$side" "$NIGHTJAR"
        make_keys "tunnel-$side"
    done
    # The client takes any port, as clients do; nDPI can't tell the directions of a flow between equal ports.
    set_device client tunnel-client 0
    set_device server tunnel-server 51820
    set_peer server tunnel-server tunnel-client 10.0.0.1/32,fd00::1/128
    set_peer client tunnel-client tunnel-server 10.0.0.2/32,fd00::2/128 192.0.2.2:51820
    address client tunnel-client 10.0.0.1/24 fd00::1/64
    address server tunnel-server 10.0.0.2/24 fd00::2/64
    for side in client server; do
        ip -n "$side" link set "tunnel-$side" mtu 1420 up
    done
}

observe_first_pings() {
    step "pinging through the tunnel, the observer listening"
    start_observer wire client
    local pattern
    pattern=$(printf %s "$secret" | od -An -tx1 | tr -d ' \n')
    round_trips client 10.0.0.2 $pings $pause -p "$pattern" >"$scratch/tunnel.rtt"
    stop_observer
    (($(wc -l <"$scratch/tunnel.rtt") > 1))
}

measure_tunnel() {
    step "moving data through the tunnel over IPv4 and IPv6"
    iperf client 10.0.0.2 $duration >"$scratch/tunnel-4.json"
    iperf client fd00::2 $duration >"$scratch/tunnel-6.json"
}

main

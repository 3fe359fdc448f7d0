#!/usr/bin/env bash
# A tunnel between two Nightjars on this machine, with real traffic, then an obfuscated one beside it, and a report of what
# this run measured and what an observer sees of both.
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
# What the observer keeps of the plain tunnel and of the obfuscated one.
# shellcheck disable=SC2154 # scratch is from sandbox.sh
readonly plain=$scratch/plain.pcap veil=$scratch/veil.pcap
# Said inside every ping, so that an observer has something to look for.
readonly secret=nightjar

main() {
    in_sandbox || prepare
    enter_sandbox 180
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    on_exit "$scratch"/{tunnel-client,tunnel-server,veil-client,veil-server,observer}.log
    say "Demo (about 40 seconds)"
    build_network
    measure_wire
    bring_tunnel_up
    observe_first_pings tunnel 10.0.0.2 "$plain"
    measure_tunnel
    bring_veil_up
    observe_first_pings veil 10.0.1.2 "$veil"
    measure_veil
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

# observe_first_pings TUNNEL ADDRESS CAPTURE
observe_first_pings() {
    step "pinging through the $1, the observer listening"
    start_observer wire client "$3"
    local pattern
    pattern=$(printf %s "$secret" | od -An -tx1 | tr -d ' \n')
    round_trips client "$2" $pings $pause -p "$pattern" >"$scratch/$1.rtt"
    stop_observer
    (($(wc -l <"$scratch/$1.rtt") > 1))
}

measure_tunnel() {
    step "moving data through the tunnel over IPv4 and IPv6"
    iperf client 10.0.0.2 $duration >"$scratch/tunnel-4.json"
    iperf client fd00::2 $duration >"$scratch/tunnel-6.json"
}

# A second tunnel, which says one line more at either end.
bring_veil_up() {
    step "bringing the obfuscated tunnel up"
    local side
    for side in client server; do
        start_daemon "$side" "veil-$side" "$NIGHTJAR"
        make_keys "veil-$side"
    done
    configure_veil client 0 server 10.0.1.2/32 "Endpoint = 192.0.2.2:47000"
    configure_veil server 47000 client 10.0.1.1/32
    address client veil-client 10.0.1.1/24
    address server veil-server 10.0.1.2/24
    for side in client server; do
        ip -n "$side" link set "veil-$side" mtu 1420 up
    done
}

# configure_veil SIDE PORT OTHER-SIDE ALLOWED-IPS [LINE]
configure_veil() {
    local file=$scratch/veil-$1.conf
    (
        umask 077
        printf '%s\n' "[Interface]" "PrivateKey = $(<"$scratch/veil-$1.key")" "ListenPort = $2" "Obfuscation = on" \
            "[Peer]" "PublicKey = $(<"$scratch/veil-$3.pub")" "AllowedIPs = $4" "${5-}" >"$file"
    )
    at "$1" "$NIGHTJAR" setconf "veil-$1" "$file"
}

measure_veil() {
    step "moving data through the obfuscated tunnel"
    iperf client 10.0.1.2 $duration >"$scratch/veil-4.json"
}

main

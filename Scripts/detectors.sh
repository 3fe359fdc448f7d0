#!/usr/bin/env bash
# What detectors see of real traffic: many tunnels of each dialect at once, with handshakes, pings, TCP, idling with a
# keepalive, and new handshakes, for more than three minutes; then tshark's and nDPI's answer for every flow.
#
#     detectors.sh [OPTION=VALUE...] [DIALECT...]      all dialects unless told
#
#     clients=14 servers=15     daemons on either side; each client has a tunnel to each server, and each tunnel is a flow
#     seconds=190               from the first handshake to the end of the capture
#     keep=DIRECTORY            keeps the captures there
#
# It fails when a plain flow is missed, or another one is called WireGuard. NIGHTJAR=/path/to/a/daemon tries that one.
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Scripts/tunnel.sh

readonly all_dialects=(plain veil awg2.0 awg3.1 swgp)
clients=14 servers=15 seconds=190 keep=
dialects=()
# Dialects that are observed together: each daemon takes an inotify instance, and a user has 128.
readonly at_once=3

main() {
    local argument
    for argument; do
        case $argument in
            clients=* | servers=* | seconds=* | keep=*) declare -g "$argument" ;;
            *) dialects+=("$argument") ;;
        esac
    done
    ((${#dialects[@]} > 0)) || dialects=("${all_dialects[@]}")
    in_sandbox || prepare
    enter_sandbox $((2 * seconds + 1500)) "$@"
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    on_exit "$scratch/failures.log"
    say "Detectors: ${#dialects[@]} dialects, $((clients * servers)) flows each"
    make_identities
    local first
    for ((first = 0; first < ${#dialects[@]}; first += at_once)); do
        observe "${dialects[@]:first:at_once}"
    done
    step "asking the detectors"
    judge_all
}

# observe DIALECT...: captures what all of them do in the same minutes.
observe() {
    local dialect opened
    captures=()
    daemons=()
    for dialect in "$@"; do
        step "making the $dialect network"
        build "$dialect"
    done
    for dialect in "$@"; do
        step "opening the $dialect tunnels"
        open_tunnels "$dialect"
    done
    opened=$SECONDS
    all_alive
    for dialect in "$@"; do
        step "moving data through the $dialect tunnels"
        move_data "$dialect"
    done
    step "waiting for keepalives and new handshakes"
    while ((SECONDS < opened + seconds)); do sleep 1; done
    for dialect in "$@"; do
        refresh "$dialect"
    done
    all_alive
    sleep 1
    stop "${captures[@]}" "${!daemons[@]}"
}

prepare() {
    require_machine
    need ip=iproute2 ping=iputils-ping wg=wireguard-tools iperf3=iperf3 ethtool=ethtool tcpdump=tcpdump \
        tshark=tshark ndpiReader=libndpi-bin jq=jq
    require_program
}

# Every dialect uses the same keys: $scratch/client1.key and so on. Interfaces have the names c1-DIALECT and s1-DIALECT.
make_identities() {
    local number
    for ((number = 1; number <= clients; number++)); do make_keys "client$number"; done
    for ((number = 1; number <= servers; number++)); do make_keys "server$number"; done
    (umask 077 && wg genkey >"$scratch/shared.key")
}

# settings_of DIALECT: its lines of an interface's section. The numbers are what a careful generator would draw.
settings_of() {
    local shared
    shared=$(<"$scratch/shared.key")
    case $1 in
        plain) ;;
        veil) printf '%s\n' "Obfuscation = veil" ;;
        swgp) printf '%s\n' "Obfuscation = swgp" "ObfuscationKey = $shared" ;;
        awg2.0)
            printf '%s\n' "Jc = 5" "Jmin = 40" "Jmax = 400" "S1 = 43" "S2 = 87" "S3 = 31" "S4 = 18" \
                "H1 = 100000000-500000000" "H2 = 600000000-1000000000" "H3 = 1100000000-1500000000" \
                "H4 = 1600000000-2000000000" "I1 = <b 0xc70000000108><r 8><rc 4><r 900>"
            ;;
        awg3.1)
            printf '%s\n' "Jc = 5" "Jmin = 40" "Jmax = 400" "S1 = 43" "S2 = 87" "S3 = 31" "S4 = 18" \
                "H1 = 100000001" "H2 = 600000002" "H3 = 1100000003" "H4 = 1600000004" \
                "HeaderProtectionKey = $shared" "RandomTrailers = on" "DisableCookies = on" \
                "RekeyAfterTime = 100-140" "RekeyTimeout = 4-8" "KeepaliveTimeout = 8-14"
            ;;
        *) die "There is no set-up for a dialect $1." ;;
    esac
}

# The keepalive, which AmneziaWG 3 can draw anew each time.
keepalive_of() {
    case $1 in
        awg3.1) echo 20-30 ;;
        *) echo 25 ;;
    esac
}

captures=()
declare -A daemons=()
# build DIALECT: two namespaces, a capture on the cable between them, and a daemon for each interface.
build() {
    local dialect=$1 side number other
    local client=client-$dialect server=server-$dialect
    make_namespace "$client" "$server"
    join "$client" eth0 "$server" eth0
    address "$client" eth0 192.0.2.1/24
    address "$server" eth0 192.0.2.2/24
    for side in "$client" "$server"; do
        # A capture shall see datagrams as a network does, and not several as one.
        at "$side" ethtool -K eth0 tso off gso off gro off tx-udp-segmentation off >/dev/null
    done
    spawn "$scratch/$dialect-tcpdump.log" \
        ip netns exec "$client" tcpdump -q -n -U -s 2048 -B 65536 -i eth0 -w "$scratch/$dialect.pcap" udp
    captures+=("$SPAWNED")
    wait_until 10 test -s "$scratch/$dialect.pcap"
    # Servers first, so that no handshake fails.
    for ((number = 1; number <= servers; number++)); do
        {
            interface_section "$dialect" server "$number"
            for ((other = 1; other <= clients; other++)); do peer_section client "$other" "10.$other.$number.1/32"; done
        } >"$scratch/s$number-$dialect.conf"
        start_end "$server" "s$number-$dialect"
        for ((other = 1; other <= clients; other++)); do
            printf 'address add 10.%d.%d.2 peer 10.%d.%d.1/32 dev s%d-%s\n' \
                "$other" "$number" "$other" "$number" "$number" "$dialect"
        done >"$scratch/addresses"
        ip -n "$server" -batch "$scratch/addresses"
    done
    for ((number = 1; number <= clients; number++)); do
        {
            interface_section "$dialect" client "$number"
            for ((other = 1; other <= servers; other++)); do
                peer_section server "$other" "10.$number.$other.2/32"
                printf 'Endpoint = 192.0.2.2:%d\nPersistentKeepalive = %s\n' $((30000 + other)) "$(keepalive_of "$dialect")"
            done
        } >"$scratch/c$number-$dialect.conf"
        start_end "$client" "c$number-$dialect"
        for ((other = 1; other <= servers; other++)); do
            printf 'address add 10.%d.%d.1 peer 10.%d.%d.2/32 dev c%d-%s\n' \
                "$number" "$other" "$number" "$other" "$number" "$dialect"
        done >"$scratch/addresses"
        ip -n "$client" -batch "$scratch/addresses"
    done
    spawn "$scratch/$dialect-iperf3.log" ip netns exec "$server" iperf3 --server
}

# interface_section DIALECT SIDE NUMBER. Clients and servers have different ports, none of them one that is known.
interface_section() {
    local base=40000
    [[ $2 == client ]] || base=30000
    printf '[Interface]\nPrivateKey = %s\nListenPort = %d\n' "$(<"$scratch/$2$3.key")" $((base + $3))
    settings_of "$1"
}

# peer_section SIDE NUMBER ALLOWED-IPS
peer_section() { printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$(<"$scratch/$1$2.pub")" "$3"; }

# start_end NAMESPACE INTERFACE: a daemon with the settings in $scratch/INTERFACE.conf, its interface up.
start_end() {
    spawn "$scratch/$2.log" ip netns exec "$1" env LOG_LEVEL=error "$NIGHTJAR" -f "$2"
    daemons[$SPAWNED]=$2
    wait_until 10 test -S "/run/wireguard/$2.sock"
    at "$1" "$NIGHTJAR" setconf "$2" "$scratch/$2.conf"
    ip -n "$1" link set "$2" mtu 1340 up
}

# open_tunnels DIALECT: three pings through each tunnel.
open_tunnels() {
    local client server pids=()
    for ((client = 1; client <= clients; client++)); do
        for ((server = 1; server <= servers; server++)); do
            at "client-$1" ping -q -n -c 3 -i 0.3 -W 5 "10.$client.$server.2" >/dev/null &
            pids+=($!)
        done
        wait_all "${pids[@]}"
        pids=()
    done
}

# move_data DIALECT: a little TCP through each tunnel.
move_data() {
    local client server
    for ((client = 1; client <= clients; client++)); do
        for ((server = 1; server <= servers; server++)); do
            at "client-$1" timeout 20 iperf3 -c "10.$client.$server.2" -n 128K >/dev/null
        done
    done
}

# refresh DIALECT: a last ping through each tunnel, after new handshakes.
refresh() {
    open_tunnels "$1"
}

# all_alive: fails with the log of a daemon that has ended.
all_alive() {
    local pid
    for pid in "${!daemons[@]}"; do
        gone "$pid" || continue
        { echo "${daemons[$pid]} has ended:" && tail -n 5 "$scratch/${daemons[$pid]}.log"; } >>"$scratch/failures.log"
        return 1
    done
}

wait_all() {
    local pid
    for pid; do wait "$pid"; done
}

judge_all() {
    local dialect status=0
    printf '%-14s %6s  %-17s %-17s %s\n' dialect flows "tshark: WireGuard" "nDPI: WireGuard" "nightjar inspect"
    for dialect in "${dialects[@]}"; do
        judge "$dialect" || status=1
        [[ -z $keep ]] || install -D -m 600 "$scratch/$dialect.pcap" "$keep/$dialect.pcap"
    done
    ((status == 0)) || EXPLAINED=yes
    return "$status"
}

# judge DIALECT: a line of the table; fails when a detector sees what it shouldn't, or misses what it should see.
judge() {
    local capture=$scratch/$1.pcap flows tshark ndpi own expected=0
    flows=$(conversations "$capture" "")
    tshark=$(conversations "$capture" wg)
    ndpi=$(ndpi_flows "$capture")
    own=$(inspected "$capture")
    printf '%-14s %6d  %-17s %-17s %s\n' "$1" "$flows" "$tshark of $flows" "$ndpi of $flows" "$own"
    [[ $1 != plain ]] || expected=$flows
    ((flows == clients * servers && tshark == expected && ndpi == expected))
}

# conversations CAPTURE FILTER: how many UDP flows have packets that fit tshark's filter.
conversations() {
    tshark -n -r "$1" -q -z "conv,udp${2:+,$2}" 2>/dev/null | grep -c ' <-> ' || true
}

# ndpi_flows CAPTURE: how many flows nDPI calls WireGuard, by their contents alone.
ndpi_flows() {
    ndpiReader -d -q -i "$1" -C "$scratch/flows.csv" >/dev/null 2>&1
    awk -F '|' 'NR > 1 && $0 ~ /WireGuard/ { n++ } END { print n + 0 }' "$scratch/flows.csv"
}

# inspected CAPTURE: what nightjar's own inspection finds.
inspected() {
    "$NIGHTJAR" inspect --json "$1" 2>/dev/null | jq -r '
        [.flows[] | select(any(.findings[]; .verdict == "recognised"))] | length' || true
}

main "$@"

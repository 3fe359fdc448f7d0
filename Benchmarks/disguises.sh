#!/usr/bin/env bash
# What each disguise costs: one TCP stream through a tunnel of each, in alternating runs beside plain WireGuard; a Markdown
# table of medians on standard output. README.md in this folder explains the method.
#
#     disguises.sh [--quick]        BENCH_ROUNDS=5 BENCH_SECONDS=4 NIGHTJAR=/path/to/a/daemon
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Scripts/tunnel.sh
. Scripts/measure.sh

case "$*" in
    "") rounds=${BENCH_ROUNDS:-5} duration=${BENCH_SECONDS:-4} ;;
    --quick) rounds=1 duration=2 ;;
    *) die "The only argument is --quick." ;;
esac
for number in "$rounds" "$duration"; do
    [[ $number =~ ^[1-9][0-9]{0,4}$ ]] || die "BENCH_ROUNDS and BENCH_SECONDS are whole numbers above zero, not \"$number\"."
done
readonly rounds duration

# All up at the same time; an idle one costs nothing. The MTU is the same for all of them, so that they carry the same packets.
readonly disguises=(plain veil awg-2.0 awg-3.1 swgp swgp-paranoid xor wg-obfuscator lwo) mtu=1340
declare -A daemons=()

main() {
    in_sandbox || prepare
    enter_sandbox $((120 + rounds * ${#disguises[@]} * (duration + 20))) "$@"
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    readonly results=$scratch/results
    make_hosts
    start_iperf server
    local number round turn
    step "starting a tunnel of each disguise"
    for number in "${!disguises[@]}"; do
        start_tunnel "$number"
    done
    for ((round = 0; round < rounds; round++)); do
        for turn in "${!disguises[@]}"; do
            number=$(((round + turn) % ${#disguises[@]}))
            step "round $((round + 1)) of $rounds: ${disguises[number]}"
            measure "$number" || say "    failed, left out of the median"
        done
    done
    print_report
}

prepare() {
    require_machine
    need ip=iproute2 ss=iproute2 ping=iputils-ping wg=wireguard-tools iperf3=iperf3 jq=jq
    require_program
}

# lines DISGUISE: what both ends' [Interface] says of it.
lines() {
    case $1 in
        plain) ;;
        awg-2.0) printf '%s\n' "Jc = 4" "Jmin = 40" "Jmax = 70" "S1 = 33" "S2 = 48" "S3 = 21" "S4 = 11" \
            "H1 = 100-1000" "H2 = 2000-3000" "H3 = 4000-5000" "H4 = 600000-700000" ;;
        awg-3.1) printf '%s\n' "Jc = 4" "Jmin = 40" "Jmax = 70" "S1 = 33" "S2 = 48" "S3 = 21" "S4 = 13" \
            "H1 = 100-1000" "H2 = 2000-3000" "H3 = 4000-5000" "H4 = 600000-700000" "RandomTrailers = on" \
            "HeaderProtectionKey = $(printf %032d 7 | base64)" ;;
        veil | lwo) echo "Obfuscation = $1" ;;
        swgp*) printf '%s\n' "Obfuscation = $1" "ObfuscationKey = $(printf %032d 7 | base64)" ;;
        *) printf '%s\n' "Obfuscation = $1" "ObfuscationKey = benchmark" ;;
    esac
}

# start_tunnel NUMBER: from 10.0.NUMBER.1 to 10.0.NUMBER.2.
start_tunnel() {
    local name=d$1 port=$((52000 + $1)) network=10.0.$1 side
    for side in client server; do
        start_daemon "$side" "$name-$side" "$NIGHTJAR"
        daemons[$1]+=" $SPAWNED"
        make_keys "$name-$side"
    done
    configure client "$name" "$1" 0 server "$network.2/32" "Endpoint = 192.0.2.2:$port"
    configure server "$name" "$1" "$port" client "$network.1/32"
    address client "$name-client" "$network.1/24"
    address server "$name-server" "$network.2/24"
    for side in client server; do
        ip -n "$side" link set "$name-$side" mtu $mtu up
    done
    wait_until 10 at client ping -n -c 3 -i 0.2 -W 2 "$network.2"
}

# configure SIDE NAME NUMBER PORT OTHER-SIDE ALLOWED-IPS [LINE]
configure() {
    local file=$scratch/$2-$1.conf
    (
        umask 077
        printf '%s\n' "[Interface]" "PrivateKey = $(<"$scratch/$2-$1.key")" "ListenPort = $4" \
            "$(lines "${disguises[$3]}")" "[Peer]" "PublicKey = $(<"$scratch/$2-$5.pub")" "AllowedIPs = $6" "${7-}" >"$file"
    )
    at "$1" "$NIGHTJAR" setconf "$2-$1" "$file"
}

# measure NUMBER: one stream, and what it cost both daemons.
measure() {
    local before after name=${disguises[$1]}
    # shellcheck disable=SC2086 # several pids
    before=$(processor_seconds ${daemons[$1]})
    iperf client "10.0.$1.2" "$duration" >"$scratch/tcp.json"
    # shellcheck disable=SC2086
    after=$(processor_seconds ${daemons[$1]})
    printf '%s\t%s\t%s\n' "$name" "$(received_gbits <"$scratch/tcp.json")" "$(received_bytes <"$scratch/tcp.json" |
        awk -v before="$before" -v after="$after" '{ print (after - before) / ($1 / 1e9) }')" >>"$results"
}

print_report() {
    local name gbits cost plain_gbits plain_cost
    plain_gbits=$(column plain 2 | median) plain_cost=$(column plain 3 | median)
    printf '### One TCP stream through each disguise\n\n* %s rounds of %s s, alternating; medians\n\n' "$rounds" "$duration"
    printf '| %-13s | %6s | %8s | %18s | %8s |\n' disguise Gbit/s "/ plain" "CPU, both ends s/GB" "/ plain"
    printf '| %-13s | %6s | %8s | %18s | %8s |\n' :--- ---: ---: ---: ---:
    for name in "${disguises[@]}"; do
        gbits=$(column "$name" 2 | median) cost=$(column "$name" 3 | median)
        awk -v name="$name" -v a="$gbits" -v b="$plain_gbits" -v c="$cost" -v d="$plain_cost" \
            'BEGIN { printf "| %-13s | %6.2f | %8.2f | %18.2f | %8.2f |\n", name, a, a / b, c, c / d }'
    done
}

# column DISGUISE NUMBER: the figures of its runs.
column() { awk -F '\t' -v name="$1" -v column="$2" '$1 == name { print $column }' "$results"; }

main "$@"

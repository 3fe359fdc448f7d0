#!/usr/bin/env bash
# What Nightjar's own code costs beside the cipher: instructions per full packet, counted by callgrind, each way; and the
# cipher's share of the daemons' user time, sampled by perf. It fails when a packet takes too many instructions.
#
#     instructions.sh        NIGHTJAR=/path/to/a/daemon
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Scripts/tunnel.sh
. Scripts/measure.sh

# Instructions per packet at most, and the least share of user time in percent.
readonly most_instructions=800 least_share=70
# Full segments of the warm-up and of the measurement, and the data in one: MTU 1420, TCP with timestamps.
readonly warm_up=20000 measured=150000 segment=1368
# The datagram of a full packet.
readonly datagram=1452
# Mean bytes per packet at the TUN device: below this the kernel doesn't hand over super-packets, and it all costs more.
readonly least_super_packet=30000
# Seconds, and samples per second.
readonly sampled=5 rate=1999

main() {
    in_sandbox || prepare
    enter_sandbox 300
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    on_exit "$scratch"/{client,server,control,perf}.log
    make_network
    # callgrind reads symbols only, and some versions give up over newer debugging information.
    strip --strip-debug -o "$scratch/nightjar" "$NIGHTJAR"
    count_instructions client out tx
    count_instructions server in rx
    sample_time
    print_report
    ((figures[out,own] <= most_instructions && figures[in,own] <= most_instructions)) ||
        die "A packet takes more than $most_instructions instructions."
}
declare -A figures daemons

prepare() {
    require_machine
    need ip=iproute2 ss=iproute2 ping=iputils-ping wg=wireguard-tools iperf3=iperf3 jq=jq valgrind=valgrind \
        perf=linux-perf strip=binutils
    require_program
}

make_network() {
    make_hosts
    start_iperf server
}

# start_tunnel [SIDE]: two daemons, that of SIDE under callgrind. Their pids are in daemons.
start_tunnel() {
    local side
    for side in client server; do
        if [[ $side == "${1:-}" ]]; then
            start_daemon "$side" "$side" "$scratch/nightjar" valgrind --tool=callgrind --demangle=no \
                --callgrind-out-file="$scratch/$side.callgrind"
        else
            start_daemon "$side" "$side" "$NIGHTJAR"
        fi
        daemons[$side]=$SPAWNED
    done
    connect_hosts client server 51820 0
    wait_until 20 at client ping -n -c 1 -W 2 10.0.0.2
    send_tcp $warm_up
}

# send_tcp COUNT: that many full segments' worth of data, in one stream.
send_tcp() { at client timeout 120 iperf3 -c 10.0.0.2 -n $(($1 * segment)) >/dev/null; }

# count_instructions SIDE WAY COUNTER: figures of the daemon of SIDE, by full packets that went the WAY, which the
# interface's COUNTER is about.
#
# Packets are what the daemon itself counts as WireGuard data that way: that holds what TCP sent twice, which iperf3's
# bytes don't. The other way go bare acknowledgements, one per super-packet. They are no full packets, so they aren't
# divided by; what they cost is in the instructions, since every stream has them.
count_instructions() {
    local side=$1 way=$2 counter=$3 packets bytes reads
    step "counting instructions, $way"
    start_tunnel "$side"
    callgrind --zero "$side"
    packets=$(transferred "$side" "$counter")
    bytes=$(link_counter "$side" "$way" bytes)
    reads=$(link_counter "$side" "$way" packets)
    send_tcp $measured
    callgrind --dump "$side"
    packets=$((($(transferred "$side" "$counter") - packets) / datagram))
    bytes=$(($(link_counter "$side" "$way" bytes) - bytes))
    reads=$(($(link_counter "$side" "$way" packets) - reads))
    awk -f Benchmarks/groups.awk -f Benchmarks/callgrind.awk "$scratch/$side.callgrind.1" >"$scratch/$way.functions" ||
        die "callgrind's file isn't understood: the functions don't add up to its sum."
    stop "${daemons[@]}"
    note_instructions "$way" "$packets"
    figures[$way,mean]=$((bytes / reads))
    ((bytes / reads >= least_super_packet)) ||
        say "    The packets at the TUN device have $((bytes / reads)) bytes only; the figures are not those of bulk data."
}

# callgrind OPTION SIDE
callgrind() { callgrind_control "$1" "${daemons[$2]}" >>"$scratch/control.log" 2>&1; }

# transferred SIDE rx|tx: bytes of WireGuard's data messages so far.
transferred() { at "$1" wg show "$1" transfer | awk -v way="$2" '{ print way == "rx" ? $2 : $3 }'; }

# link_counter SIDE out|in bytes|packets: what went out of or came in by way of the tunnel; a super-packet is one packet.
link_counter() {
    local direction=tx
    [[ $2 == out ]] || direction=rx
    ip -n "$1" -json -statistics link show "$1" | jq -e ".[0].stats64.$direction.$3"
}

# note_instructions WAY PACKETS: the sums of the functions' groups, and the most expensive functions for people to read.
note_instructions() {
    local group figure
    while IFS=$'\t' read -r group figure; do
        figures[$1,$group]=$figure
    done < <(awk -F '\t' -v packets="$2" '
        { sum[$1] += $2; if ($1 != "AEAD") own += $2 }
        END {
            for (group in sum) printf "%s\t%.0f\n", group, sum[group] / packets
            printf "own\t%.0f\n", own / packets
        }' "$scratch/$1.functions")
    figures[$1,packets]=$2
    say "    instructions per packet, of $2 packets:"
    grep -v ^AEAD "$scratch/$1.functions" | sort -t $'\t' -k 2,2gr | readable |
        awk -F '\t' -v packets="$2" 'NR <= 15 { printf "    %8.1f  %-9s  %s\n", $2 / packets, $1, $3 }' >&2
}

# readable: functions' names as people write them; Swift's only where there is a toolchain.
readable() { if command -v swift >/dev/null; then swift demangle --simplified; else cat; fi | c++filt; }

# sample_time: the AEAD's share of the user time of each daemon and of both while one TCP stream runs.
sample_time() {
    local load way share
    step "sampling user time"
    start_tunnel
    spawn "$scratch/load.log" ip netns exec client timeout $((sampled + 20)) iperf3 -c 10.0.0.2 -t $((sampled + 2))
    load=$SPAWNED
    sleep 1
    perf record --quiet --event cpu-clock:u --freq $rate --output "$scratch/perf.data" \
        --pid "${daemons[client]},${daemons[server]}" -- sleep $sampled >"$scratch/perf.log" 2>&1
    wait "$load"
    perf script --input "$scratch/perf.data" --fields pid,ip,sym,dso --no-demangle >"$scratch/samples" \
        2>>"$scratch/perf.log"
    awk -f Benchmarks/groups.awk -f Benchmarks/samples.awk -v sender="${daemons[client]}" \
        -v receiver="${daemons[server]}" "$scratch/samples" >"$scratch/shares" || die "perf took no samples."
    while IFS=$'\t' read -r way share; do
        figures[$way,share]=$share
    done <"$scratch/shares"
    stop "${daemons[@]}"
}

print_report() {
    row "One TCP stream, full packets of 1420 bytes" out in both bar
    row :------------------------------------------ ------: ------: ------: :-----------
    row "Instructions per packet, all but the AEAD" "${figures[out,own]}" "${figures[in,own]}" "" \
        "<= $most_instructions: $(verdict "${figures[out,own]} <= $most_instructions" \
            "${figures[in,own]} <= $most_instructions")"
    local group
    for group in code runtime libraries AEAD; do
        row "${names[$group]}" "${figures[out,$group]}" "${figures[in,$group]}" "" ""
    done
    row "Packets counted" "${figures[out,packets]}" "${figures[in,packets]}" "" ""
    row "Mean packet at the TUN device, bytes" "${figures[out,mean]}" "${figures[in,mean]}" "" ""
    row "AEAD in the daemon's user time, %" "${figures[out,share]}" "${figures[in,share]}" "${figures[both,share]}" \
        ">= $least_share: $(verdict "${figures[out,share]} >= $least_share" "${figures[in,share]} >= $least_share")"
}
declare -rA names=(
    [code]="of that Nightjar's own functions" [runtime]="of that Swift's runtime and library"
    [libraries]="of that libc and the like" [AEAD]="The AEAD's instructions, for comparison"
)

# verdict CONDITION CONDITION: both have to be true.
verdict() { awk "BEGIN { print ($1) && ($2) ? \"pass\" : \"miss\" }"; }

row() { printf '| %-42s | %7s | %7s | %7s | %-12s |\n' "$@"; }

main

#!/usr/bin/env bash
# Nightjar beside Debian's wireguard-go and the bare wire, in alternating runs; a Markdown table of medians on standard
# output. README.md in this folder explains the method.
#
#     bench.sh [--quick]        BENCH_ROUNDS=3 BENCH_SECONDS=5 BENCH_PINGS=500 NIGHTJAR=/path/to/a/daemon
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Scripts/tunnel.sh
. Scripts/measure.sh
. Benchmarks/engines.sh

case "$*" in
    "") rounds=${BENCH_ROUNDS:-3} duration=${BENCH_SECONDS:-5} pings=${BENCH_PINGS:-500} ;;
    --quick) rounds=1 duration=2 pings=100 ;;
    *) die "The only argument is --quick." ;;
esac
for number in "$rounds" "$duration" "$pings"; do
    [[ $number =~ ^[1-9][0-9]{0,4}$ ]] ||
        die "BENCH_ROUNDS, BENCH_SECONDS and BENCH_PINGS are whole numbers above zero, not \"$number\"."
done
# Payloads that make IP packets of 1400 and of 64 bytes.
readonly rounds duration pings large=1372 small=36

main() {
    in_sandbox || prepare
    enter_sandbox $((120 + rounds * 3 * (10 * duration + pings / 40 + 30))) "$@"
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    readonly results=$scratch/results
    on_exit "$scratch"/{nj-client,nj-server,wg-client,wg-server}.log
    start_engines
    note_memory rss-idle VmRSS
    local round
    for ((round = 0; round < rounds; round++)); do
        run_round "$round"
    done
    note_memory rss-peak VmHWM
    print_report
}

prepare() {
    require_machine
    need ip=iproute2 ss=iproute2 ping=iputils-ping wg=wireguard-tools wireguard-go=wireguard-go iperf3=iperf3 jq=jq
    require_program
}

# run_round NUMBER: every measurement, each on all engines in turn; the next round begins with another engine.
run_round() {
    local measure turn engine
    for measure in tcp-1 tcp-4 tcp-reverse udp-large udp-small udp-over udp-twice ping-idle ping-load; do
        for turn in 0 1 2; do
            # shellcheck disable=SC2154 # engines is from engines.sh
            engine=${engines[($1 + turn) % 3]}
            step "round $(($1 + 1)) of $rounds: $measure, $engine"
            "measure_${measure//-/_}" "$engine" || say "    failed, left out of the median"
        done
    done
}

# One stream, and what it cost the two daemons.
measure_tcp_1() {
    local before after
    before=$(engine_seconds "$1")
    run_iperf "$1" >"$scratch/tcp.json"
    after=$(engine_seconds "$1")
    received_gbits <"$scratch/tcp.json" | note tcp-1 "$1"
    [[ $1 == bare ]] || received_bytes <"$scratch/tcp.json" |
        awk -v before="$before" -v after="$after" '{ print (after - before) / ($1 / 1e9) }' | note cpu "$1"
}

measure_tcp_4() { run_iperf "$1" --parallel 4 | received_gbits | note tcp-4 "$1"; }
measure_tcp_reverse() { run_iperf "$1" --reverse | received_gbits | note tcp-reverse "$1"; }
measure_udp_large() { run_iperf "$1" --udp --bitrate 0 --length $large | delivered_pps | note udp-large "$1"; }
measure_udp_small() { run_iperf "$1" --udp --bitrate 0 --length $small | delivered_pps | note udp-small "$1"; }

# One and a half times and three times what the unpaced sender got through in this round: well above saturation.
measure_udp_over() { run_paced "$1" 1.5 | note udp-over "$1"; }
measure_udp_twice() { run_paced "$1" 3 | note udp-twice "$1"; }

# run_paced ENGINE FACTOR: large datagrams offered at that multiple of what came through unpaced, the latest figure.
run_paced() {
    local bits
    bits=$(awk -F '\t' -v engine="$1" -v factor="$2" -v size=$large \
        '$1 == "udp-large" && $2 == engine { pps = $3 } END { if (!pps) exit 1; printf "%d", pps * factor * size * 8 }' \
        "$results") || return
    run_iperf "$1" --udp --bitrate "$bits" --length $large | delivered_pps
}

# shellcheck disable=SC2154 # server_address is from engines.sh
measure_ping_idle() { round_trips client "${server_address[$1]}" "$pings" 0.01 | median | note ping-idle "$1"; }

# Pings while one TCP stream fills the tunnel: from half a second after its start to its end.
measure_ping_load() {
    spawn "$scratch/load.log" ip netns exec client \
        timeout $((duration + 15)) iperf3 -c "${server_address[$1]}" -t "$duration"
    local load=$SPAWNED
    sleep 0.5
    round_trips client "${server_address[$1]}" $((duration * 100 - 50)) 0.01 >"$scratch/load.rtt"
    wait "$load" && median <"$scratch/load.rtt" | note ping-load "$1"
}

run_iperf() {
    local engine=$1
    shift
    iperf client "${server_address[$engine]}" "$duration" "$@"
}

# note_memory MEASURE FIELD: the larger of an engine's two daemons, in MiB, by that field of /proc/PID/status.
note_memory() {
    local engine
    for engine in nightjar wireguard-go; do
        memory "$engine" "$2" | note "$1" "$engine"
    done
}

print_report() {
    printf '%s\n\n' "### Nightjar beside wireguard-go"
    printf '* %s\n' \
        "Nightjar: $(version_of "$NIGHTJAR"); reference: $(version_of wireguard-go)" \
        "Machine: $(processor_name), $(nproc) cores, Linux $(uname -r); both ends on it" \
        "Rounds: $rounds, each measurement $duration s; idle pings: $pings, 10 ms apart; medians of the rounds"
    printf '\n'
    awk -f Benchmarks/table.awk "$results"
}

version_of() { timeout 5 "$1" --version 2>/dev/null | head -n 1; }
processor_name() { sed -n '0,/^model name/s/^model name[^:]*: //p' /proc/cpuinfo; }

main "$@"

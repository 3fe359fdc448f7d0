#!/usr/bin/env bash
# Nightjar beside Debian's wireguard-go as responders, in alternating runs: how many handshakes each answers, and what
# an established session keeps of its throughput under a flood of junk initiations. A Markdown table of medians on
# standard output.
#
#     handshakes.sh [--quick]   BENCH_ROUNDS=3 BENCH_SECONDS=5 NIGHTJAR=/path/to/a/daemon NIGHTJAR_LOAD=/path/to/load
# shellcheck source=Scripts/common.sh
. "$(dirname "$0")/../Scripts/common.sh"
. Scripts/packages.sh
. Scripts/requirements.sh
. Scripts/sandbox.sh
. Scripts/tunnel.sh
. Scripts/measure.sh
. Benchmarks/engines.sh
. Benchmarks/load.sh

case "$*" in
    "") rounds=${BENCH_ROUNDS:-3} duration=${BENCH_SECONDS:-5} ;;
    --quick) rounds=1 duration=2 ;;
    *) die "The only argument is --quick." ;;
esac
for number in "$rounds" "$duration"; do
    [[ $number =~ ^[1-9][0-9]{0,3}$ ]] ||
        die "BENCH_ROUNDS and BENCH_SECONDS are whole numbers above zero, not \"$number\"."
done
# Peers of the responder; seconds of a run of handshakes; how many are on their way at once, fewer than the 128 from
# which on both engines ask for cookies.
readonly rounds duration peers=2000 run=3 window=32
# The flood, as a multiple of the handshakes that the same daemon answers per second of processor time.
readonly flood_factor=10 sink_port=9999
declare -rA server_interface=([nightjar]=nj-server [wireguard-go]=wg-server)

main() {
    in_sandbox || prepare
    enter_sandbox $((120 + rounds * 2 * (run + 10 + 3 * (duration + 10)))) "$@"
    # shellcheck disable=SC2154 # scratch is from sandbox.sh
    readonly results=$scratch/results
    touch "$results"
    on_exit "$scratch"/{nj-client,nj-server,wg-client,wg-server}.log
    start_engines
    add_peers
    add_attacker
    in_rounds measure_handshakes
    in_rounds measure_quiet measure_flood measure_sink
    print_report
}

prepare() {
    require_machine
    need ip=iproute2 ss=iproute2 ping=iputils-ping wg=wireguard-tools wireguard-go=wireguard-go iperf3=iperf3 jq=jq
    require_program
    require_load
}

# add_peers: many peers for both servers, beside their tunnels.
add_peers() {
    step "adding $peers peers"
    (umask 077 && "$NIGHTJAR_LOAD" keys --peers $peers "$scratch/peers.keys" >"$scratch/peers.conf")
    local interface
    for interface in "${server_interface[@]}"; do
        at server wg addconf "$interface" "$scratch/peers.conf"
    done
}

# add_attacker: a host with a cable of its own to the server, and a port there that nobody reads.
add_attacker() {
    step "adding an attacker"
    make_namespace attacker
    join attacker eth0 server eth1
    address attacker eth0 198.51.100.1/24
    address server eth1 198.51.100.2/24
    spawn "$scratch/sink.log" ip netns exec server "$NIGHTJAR_LOAD" sink $sink_port
    wait_until 5 sink_listens
}

sink_listens() { [[ -n $(at server ss -Hlun "sport = $sink_port") ]]; }

# in_rounds FUNCTION...: each on both engines in turn; the next round begins with the other engine.
in_rounds() {
    local round turn engine measure
    for ((round = 0; round < rounds; round++)); do
        for measure; do
            for turn in 0 1; do
                # shellcheck disable=SC2154 # engines is from engines.sh
                engine=${engines[(round + turn) % 2]}
                step "round $((round + 1)) of $rounds: ${measure#measure_}, $engine"
                "$measure" "$engine" || say "    failed, left out of the median"
            done
        done
    done
}

# figure MEASURE ENGINE: the median of what was noted, nothing when there is none.
figure() { awk -v measure="$1" -v engine="$2" '$1 == measure && $2 == engine { print $3 }' "$results" | median; }

# Responses per second of the clock and of the daemon's processor time. The engine's other daemon is idle.
measure_handshakes() {
    local before after responses seconds
    before=$(engine_seconds "$1")
    at client timeout 60 "$NIGHTJAR_LOAD" handshakes --seconds $run --window $window \
        --to "192.0.2.2:$(port "$1")" --public-key "$(public_key "$1")" "$scratch/peers.keys" >"$scratch/handshakes" ||
        return
    after=$(engine_seconds "$1")
    read -r responses seconds <"$scratch/handshakes"
    awk "BEGIN { print $responses / $seconds }" | note handshakes "$1"
    awk "BEGIN { print $responses / ($after - $before) }" | note handshakes-cpu "$1"
}

measure_quiet() { measure_tcp "$1" | note tcp-quiet "$1"; }
measure_flood() { measure_tcp_beside_junk "$1" flood "$(port "$1")"; }
measure_sink() { measure_tcp_beside_junk "$1" sink $sink_port; }

# measure_tcp ENGINE: one stream through the tunnel, in Gbit/s.
# shellcheck disable=SC2154 # server_address is from engines.sh
measure_tcp() { iperf client "${server_address[$1]}" "$duration" | received_gbits; }

# measure_tcp_beside_junk ENGINE NAME PORT: the same while the attacker floods that port of the server.
measure_tcp_beside_junk() {
    local rate flood gbits
    rate=$(junk_rate "$1") || return
    spawn "$scratch/junk" ip netns exec attacker "$NIGHTJAR_LOAD" flood --rate "$rate" --seconds $((duration + 3)) \
        --to "198.51.100.2:$3" --public-key "$(public_key "$1")"
    flood=$SPAWNED
    sleep 0.5
    gbits=$(measure_tcp "$1") || gbits=
    if gone "$flood"; then
        say "    the flood ended before the transfer"
        gbits=
    fi
    wait "$flood" || return
    [[ -n $gbits ]] || return
    note "tcp-$2" "$1" <<<"$gbits"
    note "junk-$2" "$1" <"$scratch/junk"
}

# junk_rate ENGINE: initiations per second of its flood.
junk_rate() { figure handshakes-cpu "$1" | awk -v factor=$flood_factor '{ printf "%d\n", factor * $1 }'; }

port() { at server wg show "${server_interface[$1]}" listen-port; }
public_key() { cat "$scratch/${server_interface[$1]}.pub"; }

print_report() {
    printf '%s\n\n' "### Handshakes and floods"
    printf '* %s\n' \
        "Responders with $peers peers that send one after the other, $window handshakes on their way at once" \
        "The flood: junk initiations with a right MAC1 from a third host, $flood_factor times the first line a second" \
        "The port that nobody reads gets the same flood: it shows what the attacker itself costs the shared cores" \
        "Rounds: $rounds, handshakes $run s, transfers $duration s; medians of the rounds"
    printf '\n'
    row "" Nightjar wireguard-go "Nightjar / wireguard-go" bar
    row :---------------------------------------- ------: -----------: ----------------------: :----------------
    compare "Handshakes per CPU second" handshakes-cpu %.0f 3
    compare "Handshakes per second" handshakes %.0f
    compare "TCP, no junk, Gbit/s" tcp-quiet %.2f
    compare "TCP, junk to a port nobody reads, Gbit/s" tcp-sink %.2f
    compare "TCP, junk to the daemon, Gbit/s" tcp-flood %.2f
    compare "Junk sent per second, to that port" junk-sink %.0f
    compare "Junk sent per second, to the daemon" junk-flood %.0f
    share "Share of TCP kept, junk to that port" tcp-sink tcp-quiet
    share "Share of TCP kept, junk to the daemon" tcp-flood tcp-quiet 0.7
    share "The one beside the other" tcp-flood tcp-sink
}

# compare TITLE MEASURE FORMAT [BAR]: a line of both engines' figures; BAR is the least ratio.
compare() {
    local ours theirs ratio
    ours=$(figure "$2" nightjar) || ours=
    theirs=$(figure "$2" wireguard-go) || theirs=
    ratio=$(ratio "$ours" "$theirs")
    row "$1" "$(show "$3" "$ours")" "$(show "$3" "$theirs")" "$(show %.2f "$ratio")" "$(verdict "$ratio" "${4:-}")"
}

# share TITLE MEASURE OTHER [BAR]: a line of what MEASURE is of OTHER, for both engines; BAR is the least for Nightjar.
share() {
    local engine share=()
    for engine in nightjar wireguard-go; do
        share+=("$(ratio "$(figure "$2" $engine)" "$(figure "$3" $engine)")")
    done
    row "$1" "$(show %.2f "${share[0]}")" "$(show %.2f "${share[1]}")" "" "$(verdict "${share[0]}" "${4:-}")"
}

row() { printf '| %-41s | %8s | %12s | %23s | %-17s |\n' "$@"; }

# ratio A B: nothing when either is missing.
ratio() { [[ -z $1 || -z $2 ]] || awk "BEGIN { if ($2 > 0) print $1 / $2 }"; }

# show FORMAT FIGURE: a missing figure is a dash.
# shellcheck disable=SC2059 # FORMAT is a format
show() { if [[ -n $2 ]]; then printf "$1" "$2"; else printf -- -; fi; }

# verdict FIGURE LEAST: nothing without a bar.
verdict() {
    [[ -n $2 ]] || return 0
    awk -v figure="$1" -v least="$2" 'BEGIN {
        print ">= " least ": " (figure == "" ? "not measured" : figure + 0 >= least + 0 ? "pass" : "miss")
    }'
}

main "$@"

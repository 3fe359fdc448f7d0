# shellcheck shell=bash disable=SC2154 # what it reports is set by the other files
# The demo's report on standard output, 80 columns at most: only what this run measured. Needs measure.sh, observer.sh.

report() {
    step "reading what was measured"
    wire_messages "$plain" >"$scratch/messages"
    local text bold="" normal=""
    [[ ! -t 1 || -n ${NO_COLOR:-} ]] || bold=$'\e[1m' normal=$'\e[0m'
    text=$(
        printf '  %s\n\n' "${bold}A tunnel between two network namespaces, by $(program_name)$normal"
        report_handshake
        printf '\n'
        report_figures
        printf '\n'
        report_observer
        printf '\n'
        report_veil
    )
    printf '\n%s\n\n' "$text"
}

program_name() { "$NIGHTJAR" --version 2>/dev/null | head -n 1 | cut -c 1-30; }

report_handshake() {
    local handshake first
    handshake=$(handshake_time <"$scratch/messages")
    first=$(head -n 1 "$scratch/tunnel.rtt")
    printf '  %-21s %6.2f ms       %s\n' \
        "Handshake" "$handshake" "on the wire, from initiation to response" \
        "First ping" "$first" "with the wait for the handshake"
}

report_figures() {
    local version
    printf '  %-21s %15s %15s %15s\n' "" "tunnel" "bare wire" "tunnel / wire"
    compare "Ping, median of $pings" ms 3 "$(median <"$scratch/tunnel.rtt")" "$(median <"$scratch/wire.rtt")"
    compare "Ping, fastest" ms 3 "$(least <"$scratch/tunnel.rtt")" "$(least <"$scratch/wire.rtt")"
    for version in 4 6; do
        compare "TCP over IPv$version, $duration s" Gbit/s 2 \
            "$(received_gbits <"$scratch/tunnel-$version.json")" "$(received_gbits <"$scratch/wire-$version.json")"
    done
}

# compare WHAT UNIT DECIMALS TUNNEL WIRE
compare() {
    awk -v what="$1" -v unit="$2" -v decimals="$3" -v tunnel="$4" -v wire="$5" 'BEGIN {
        figure = "%8." decimals "f %-6s"
        printf "  %-21s " figure " " figure " %15.2f\n", what, tunnel, unit, wire, unit, tunnel / wire
    }'
}

report_observer() {
    local packets
    packets=$(captured_packets "$plain")
    printf '  What an observer on the wire sees in these %s packets, handshake and pings:\n' "$packets"
    printf '    %-9s %s\n' \
        "tshark" "recognises: $(count_of "") WireGuard messages, $(count_of 1) initiation, $(count_of 2) response," \
        "" "            $(count_of 4) data, $(count_of keepalive) keepalive, $(count_of 3) cookie reply" \
        "nDPI" "$(verdict)" \
        "content" "the text inside every ping, \"$secret\", shows in $(packets_with "$secret" "$plain") packets"
}

# count_of TYPE: how many messages of that type, or of any when it is empty.
count_of() { awk -v type="$1" 'type == "" || $2 == type { n++ } END { print n + 0 }' "$scratch/messages"; }

verdict() {
    if command -v ndpiReader >/dev/null; then
        printf 'recognises: %s' "$(detected_protocols "$plain")"
    else
        printf 'is not installed'
    fi
}

# The same pings, with and without one more line in the configuration.
report_veil() {
    printf '  %s\n' 'The same pings through a tunnel with "Obfuscation = on":'
    beside "" "plain" "obfuscated"
    beside "first bytes" "$(first_bytes "$plain")" "$(first_bytes "$veil")"
    beside "sizes" "$(first_sizes "$plain")" "$(first_sizes "$veil")"
    beside "tshark" "WireGuard in $(wire_messages "$plain" | wc -l) packets" \
        "WireGuard in $(wire_messages "$veil" | wc -l) packets"
    if command -v ndpiReader >/dev/null; then
        beside "nDPI" "$(detected_protocols "$plain")" "$(detected_protocols "$veil")"
    fi
    beside "inspect" "$(inspection "$plain" signatures)" "$(inspection "$veil" signatures)"
    beside "" "$(inspection "$plain" more)" "$(inspection "$veil" more)"
    beside "TCP" "$(gbits "$scratch/tunnel-4.json") Gbit/s" "$(gbits "$scratch/veil-4.json") Gbit/s"
}

# beside WHAT PLAIN OBFUSCATED
beside() { printf '    %-11s  %-32s  %s\n' "$1" "$2" "$3"; }

gbits() { received_gbits <"$1" | awk '{ printf "%.2f", $1 }'; }

# shellcheck shell=bash disable=SC2154 # scratch is from sandbox.sh
# Measurements between namespaces, each under a time limit. They print bare numbers. Needs sandbox.sh.

# start_iperf NAMESPACE: an iperf3 server that serves one client after the other.
start_iperf() {
    spawn "$scratch/iperf3-server.log" ip netns exec "$1" iperf3 --server
    wait_until 5 listens "$1"
}

# listens NAMESPACE: whether something does, on iperf3's port.
listens() { [[ -n $(at "$1" ss -Hltn 'sport = 5201') ]]; }

# iperf NAMESPACE ADDRESS SECONDS [OPTION...]: iperf3's own report, in JSON.
iperf() {
    local namespace=$1 address=$2 seconds=$3 json
    shift 3
    json=$(at "$namespace" timeout $((seconds + 15)) iperf3 -c "$address" -t "$seconds" --json "$@" 2>/dev/null) || {
        say "iperf3: $(jq -r '.error // "no answer"' <<<"${json:-"{}"}")"
        return 1
    }
    printf '%s\n' "$json"
}

# received_gbits: of a TCP report on standard input, what the receiver got, in Gbit/s.
received_gbits() { jq -er '.end.sum_received.bits_per_second / 1e9'; }

# received_bytes: of a TCP report on standard input.
received_bytes() { jq -er '.end.sum_received.bytes // empty'; }

# delivered_pps: of a UDP report on standard input, the datagrams per second that arrived.
delivered_pps() { jq -er '.end.sum | (.packets - .lost_packets) / .seconds'; }

# round_trips NAMESPACE ADDRESS COUNT SECONDS-BETWEEN [OPTION...]: one round-trip time in milliseconds per line.
round_trips() {
    local namespace=$1 address=$2 count=$3 interval=$4 limit
    shift 4
    limit=$(awk "BEGIN { print int($count * $interval) + 10 }")
    at "$namespace" timeout "$limit" ping -n -c "$count" -i "$interval" -W 1 "$@" "$address" |
        sed -n 's/.* time=\([0-9.]*\) ms$/\1/p'
}

# median, least: of the numbers on standard input, one per line; they fail when there are none.
median() {
    sort -g | awk '{ v[NR] = $1 } END { if (!NR) exit 1; print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}
least() { sort -g | awk 'NR == 1 { print; found = 1 } END { exit !found }'; }

# processor_seconds PID...: what they have used so far, user and system time.
processor_seconds() {
    local pid
    for pid; do
        sed 's/.*) //' "/proc/$pid/stat"
    done | awk -v tick="$(getconf CLK_TCK)" '{ ticks += $12 + $13 } END { print ticks / tick }'
}

# shellcheck shell=bash disable=SC2034,SC2154 # scratch is from sandbox.sh; bench.sh uses the tables
# The engines that are compared, all of them up at the same time between the namespaces client and server, which one
# virtual cable joins. An idle one costs nothing, so each measurement can go round them. Needs tunnel.sh, measure.sh.

readonly engines=(nightjar wireguard-go bare)
declare -rA server_address=([nightjar]=10.0.1.2 [wireguard-go]=10.0.2.2 [bare]=192.0.2.2)
# The pids of an engine's two daemons.
declare -A daemons=([bare]="")

start_engines() {
    step "making the namespaces"
    make_hosts
    start_iperf server
    step "starting the daemons"
    start_engine nightjar nj 1 "$NIGHTJAR"
    start_engine wireguard-go wg 2 wireguard-go
    sleep 1
}

# start_engine ENGINE PREFIX NETWORK PROGRAM: a tunnel of the engine's own, from 10.0.NETWORK.1 to 10.0.NETWORK.2.
start_engine() {
    local engine=$1 prefix=$2 network=$3 program=$4 side
    for side in client server; do
        start_daemon "$side" "$prefix-$side" "$program"
        daemons[$engine]+=" $SPAWNED"
    done
    connect_hosts "$prefix-client" "$prefix-server" "5182$network" "$network"
    wait_until 10 at client ping -n -c 3 -i 0.2 -W 2 "10.0.$network.2"
}

# memory ENGINE FIELD: the larger of its two daemons, in MiB, by that field of /proc/PID/status.
memory() {
    local pid
    for pid in ${daemons[$1]}; do
        sed -n "s/^$2:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$pid/status"
    done | sort -n | awk 'END { print $1 / 1024 }'
}

# note MEASURE ENGINE: keeps the figure on standard input in the file $results.
note() {
    local figure
    read -r figure || return
    printf '%s\t%s\t%s\n' "$1" "$2" "$figure" >>"$results"
}

# engine_seconds ENGINE: what its two daemons have used of the processors so far.
engine_seconds() {
    # shellcheck disable=SC2086 # several pids
    processor_seconds ${daemons[$1]}
}

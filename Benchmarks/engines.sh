# shellcheck shell=bash disable=SC2034,SC2154 # scratch is from sandbox.sh; bench.sh uses the tables
# The engines that are compared, all of them up at the same time between the namespaces client and server, which one
# virtual cable joins. An idle one costs nothing, so each measurement can go round them. Needs tunnel.sh, measure.sh.

readonly engines=(nightjar wireguard-go bare)
declare -rA server_address=([nightjar]=10.0.1.2 [wireguard-go]=10.0.2.2 [bare]=192.0.2.2)
# The pids of an engine's two daemons.
declare -A daemons=([bare]="")

start_engines() {
    step "making the namespaces"
    make_namespace client server
    join client eth0 server eth0
    address client eth0 192.0.2.1/24
    address server eth0 192.0.2.2/24
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
        make_keys "$prefix-$side"
        set_device "$side" "$prefix-$side" "5182$network"
    done
    set_peer server "$prefix-server" "$prefix-client" "10.0.$network.1/32"
    set_peer client "$prefix-client" "$prefix-server" "10.0.$network.2/32" "192.0.2.2:5182$network"
    address client "$prefix-client" "10.0.$network.1/24"
    address server "$prefix-server" "10.0.$network.2/24"
    for side in client server; do
        ip -n "$side" link set "$prefix-$side" mtu 1420 up
    done
    wait_until 10 at client ping -n -c 3 -i 0.2 -W 2 "10.0.$network.2"
}

# memory ENGINE FIELD: the larger of its two daemons, in MiB, by that field of /proc/PID/status.
memory() {
    local pid
    for pid in ${daemons[$1]}; do
        sed -n "s/^$2:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$pid/status"
    done | sort -n | awk 'END { print $1 / 1024 }'
}

# processor_seconds ENGINE: what its two daemons have used so far, user and system time.
processor_seconds() {
    local pid
    for pid in ${daemons[$1]}; do
        sed 's/.*) //' "/proc/$pid/stat"
    done | awk -v tick="$(getconf CLK_TCK)" '{ ticks += $12 + $13 } END { print ticks / tick }'
}

# shellcheck shell=bash disable=SC2154 # scratch is from sandbox.sh
# The observer on the wire: what passes while it listens, and what it can tell from that. Needs sandbox.sh.

readonly capture=$scratch/wire.pcap

# start_observer NAMESPACE LINK: listens there until stop_observer. OBSERVER is its pid.
start_observer() {
    spawn "$scratch/observer.log" ip netns exec "$1" dumpcap -q -P -i "$2" -f "udp" -a duration:30 -w "$capture"
    OBSERVER=$SPAWNED
    wait_until 10 grep -q '^File: ' "$scratch/observer.log"
}

# The pause lets the last packets reach the file.
stop_observer() {
    sleep 0.3
    stop "$OBSERVER"
}

# wire_messages: one line per WireGuard message that tshark recognises: its time in seconds, and its type (1 to 4),
# where a keepalive, which is transport data without content, is type "keepalive".
wire_messages() {
    tshark -r "$capture" -Y wg -T fields -e frame.time_epoch -e wg.type -e udp.length 2>/dev/null |
        awk '{ print $1, ($2 == 4 && $3 == 40) ? "keepalive" : $2 }'
}

# handshake_time: milliseconds on the wire from the initiation to its response, of messages on standard input.
handshake_time() {
    awk '
        $2 == 1 { sent = $1 }
        $2 == 2 && sent { printf "%.3f\n", ($1 - sent) * 1000; found = 1; exit }
        END { exit !found }
    '
}

# packets_with TEXT: how many captured packets show the text in the clear.
packets_with() { tshark -r "$capture" -Y "frame contains \"$1\"" 2>/dev/null | wc -l; }

captured_packets() { tshark -r "$capture" -T fields -e frame.number 2>/dev/null | wc -l; }

# detected_protocols: nDPI's verdict on the capture, from the contents alone, not guessed from ports.
detected_protocols() {
    timeout 20 ndpiReader -d -i "$capture" 2>/dev/null |
        awk '
            /^Detected protocols:/ { listed = 1; next }
            /^[^ \t]/ { listed = 0 }
            listed && NF { printf "%s%s", separator, $1; separator = ", " }
        '
}

# shellcheck shell=bash disable=SC2154 # scratch is from sandbox.sh
# The observer on the wire: what passes while it listens, and what it can tell from that. Needs sandbox.sh.

# start_observer NAMESPACE LINK CAPTURE: listens there until stop_observer, and keeps what passes in that file. OBSERVER
# is its pid.
start_observer() {
    : >"$scratch/observer.log"
    spawn "$scratch/observer.log" ip netns exec "$1" dumpcap -q -P -i "$2" -f "udp" -a duration:30 -w "$3"
    OBSERVER=$SPAWNED
    wait_until 10 grep -q '^File: ' "$scratch/observer.log"
}

# The pause lets the last packets reach the file.
stop_observer() {
    sleep 0.3
    stop "$OBSERVER"
}

# wire_messages CAPTURE: one line per WireGuard message that tshark recognises: its time in seconds, and its type (1 to 4),
# where a keepalive, which is transport data without content, is type "keepalive".
wire_messages() {
    tshark -r "$1" -Y wg -T fields -e frame.time_epoch -e wg.type -e udp.length 2>/dev/null |
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

# packets_with TEXT CAPTURE: how many captured packets show the text in the clear.
packets_with() { tshark -r "$2" -Y "frame contains \"$1\"" 2>/dev/null | wc -l; }

captured_packets() { tshark -r "$1" -T fields -e frame.number 2>/dev/null | wc -l; }

# first_sizes CAPTURE: of its first datagrams, in bytes.
first_sizes() {
    tshark -r "$1" -c 5 -T fields -e udp.length 2>/dev/null | awk '{ printf "%s%d", separator, $1 - 8; separator = ", " }'
}

# first_bytes CAPTURE: the beginning of its first datagram, in hexadecimal.
first_bytes() {
    tshark -r "$1" -c 1 -d udp.port==1-65535,data -T fields -e data.data 2>/dev/null | sed 's/../& /g' | cut -c 1-23
}

# inspection CAPTURE signatures|more: of what `nightjar inspect` says, the rules of known programs that match, or else what
# it finds beside them.
inspection() {
    "$NIGHTJAR" inspect --json "$1" >"$scratch/inspection.json" || true
    jq -r --arg part "$2" '
        ["ndpi-4.2", "ndpi-2024-10", "wireshark", "suricata", "zeek", "zapret"] as $programs
        | [.flows[0].findings[] | select(.verdict == "recognised" or .verdict == "suspicious") | .rule]
        | if $part == "signatures" then "\(map(select(IN($programs[]))) | length) of 6 signature rules match"
          else map(select(IN($programs[]) | not))
            | if . == [] then "nothing stands out" else "stands out: " + join(", ") end
          end
    ' "$scratch/inspection.json"
}

# detected_protocols CAPTURE: nDPI's verdict on the capture, from the contents alone, not guessed from ports.
detected_protocols() {
    timeout 20 ndpiReader -d -i "$1" 2>/dev/null |
        awk '
            /^Detected protocols:/ { listed = 1; next }
            /^[^ \t]/ { listed = 0 }
            listed && NF { printf "%s%s", separator, $1; separator = ", " }
        '
}

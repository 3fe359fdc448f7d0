/// Programs for both ends of a connection, in Python, since every Debian has one.
enum Scripts {
    /// `serve|call ADDRESS PORT send|receive BYTES`: one TCP connection; prints the hash of what it sent or received.
    static let transfer = #"""
        import hashlib, json, random, socket, sys
        role, address, port, task, count = sys.argv[1:6]
        port, count = int(port), int(count)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if role == "serve":
            listener = socket.create_server((address, port), family=family)
            print("ready", flush=True)
            connection, _ = listener.accept()
        else:
            connection = socket.create_connection((address, port), timeout=30)
        connection.settimeout(60)
        digest, done = hashlib.sha256(), 0
        if task == "send":
            block = bytearray(random.Random(count).randbytes(1 << 18))
            while done < count:
                block[:8] = done.to_bytes(8, "big")
                part = memoryview(block)[:count - done]
                connection.sendall(part)
                digest.update(part)
                done += len(part)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
        else:
            buffer = bytearray(1 << 18)
            while size := connection.recv_into(buffer):
                digest.update(memoryview(buffer)[:size])
                done += size
            connection.close()
        print(json.dumps({"bytes": done, "digest": digest.hexdigest()}))
        """#

    /// `ADDRESS PORT`: sends every UDP datagram back, and in IPv4 every packet of protocol 253.
    static let echo = #"""
        import select, socket, sys
        address, port = sys.argv[1], int(sys.argv[2])
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, 23, 2)
        else:
            udp.setsockopt(socket.IPPROTO_IP, 10, 2)
        udp.bind((address, port))
        sockets = [udp]
        if family == socket.AF_INET:
            raw = socket.socket(family, socket.SOCK_RAW, 253)
            raw.bind((address, 0))
            sockets.append(raw)
        print("ready", flush=True)
        while True:
            for ready in select.select(sockets, [], [])[0]:
                data, sender = ready.recvfrom(65536)
                ready.sendto(data if ready is udp else data[20:], sender)
        """#

    /// `SOURCE ADDRESS PORT FIRST LAST`: sends one UDP datagram of each payload size, never fragmented, and compares
    /// what comes back. In IPv4 also packets of 20…27 bytes, which are too short for UDP. What is on the way at one time
    /// fits in a socket's receive buffer of the usual size.
    static let call = #"""
        import json, random, select, socket, sys, time
        source, address, port, first, last = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        block = random.Random(1).randbytes(70000)
        def pattern(size):
            return block[size % 251:size % 251 + size]
        def exchange(channel, target, sizes, header):
            waiting, sizes, bad, patience = {}, list(reversed(sizes)), [], time.monotonic() + 4
            while sizes or waiting:
                while sizes and len(waiting) < 24 and sum(waiting) < 40000:
                    size = sizes.pop()
                    waiting[size] = pattern(size)
                    channel.sendto(waiting[size], target)
                if not select.select([channel], [], [], 0.5)[0]:
                    if time.monotonic() > patience:
                        break
                    continue
                patience = time.monotonic() + 4
                data = channel.recv(65536)[header:]
                if waiting.pop(len(data), None) != data:
                    bad.append(len(data))
            return bad, sorted(waiting) + sorted(sizes)
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, 23, 2)
        else:
            udp.setsockopt(socket.IPPROTO_IP, 10, 2)
        udp.bind((source, 0))
        bad, missing = exchange(udp, (address, port), range(first, last + 1), 0)
        if family == socket.AF_INET:
            raw = socket.socket(family, socket.SOCK_RAW, 253)
            raw.bind((source, 0))
            raw.connect((address, 0))
            others = exchange(raw, (address, 0), range(0, 8), 20)
            bad, missing = bad + others[0], missing + others[1]
        print(json.dumps({"bad": bad[:20], "missing": missing[:20], "missingCount": len(missing)}))
        """#

    /// `ADDRESS PORT`: tells who connects by TCP the address that it is seen under.
    static let mirror = #"""
        import socket, sys
        listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
        print("ready", flush=True)
        while True:
            connection, caller = listener.accept()
            connection.sendall(caller[0].encode())
            connection.close()
        """#

    /// `ADDRESS PORT`: prints what ``mirror`` tells.
    static let look = #"""
        import socket, sys
        print(socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).recv(100).decode())
        """#

    /// `ADDRESS FILE`: a name server that says of every name that its IPv4 address is what the file says now.
    static let names = #"""
        import socket, sys
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((sys.argv[1], 53))
        print("ready", flush=True)
        while True:
            query, sender = server.recvfrom(4096)
            end = 12
            while query[end]:
                end += query[end] + 1
            end += 5
            head, tail = query[:2] + b"\x81\x80\0\1", b"\0\0\0\0" + query[12:end]
            if query[end - 4:end - 2] == b"\0\1":
                address = socket.inet_aton(open(sys.argv[2]).read().strip())
                server.sendto(head + b"\0\1" + tail + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + address, sender)
            else:
                server.sendto(head + b"\0\0" + tail, sender)
        """#

    /// `ADDRESS PORT`: holds a UDP port.
    static let hold = #"""
        import socket, sys, time
        holder = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
        holder.bind((sys.argv[1], int(sys.argv[2])))
        print("ready", flush=True)
        time.sleep(600)
        """#
}

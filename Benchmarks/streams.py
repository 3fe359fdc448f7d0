#!/usr/bin/env python3
"""Many TCP streams at full speed in one process, so that many measuring programs don't compete with what they measure.

    streams.py listen send|receive PORT COUNT SECONDS
    streams.py connect send|receive PORT COUNT SECONDS PREFIX      to PREFIX1, PREFIX2, ... PREFIXCOUNT

The receiver counts for SECONDS, from one second after the last stream stands, then ends all streams. It prints bits per
second, the bytes it got altogether, and how many streams brought none while it counted.
"""

import selectors
import socket
import sys
import time

BLOCK = 128 << 10
WARM_UP = 1


def listen(port: int, count: int) -> list[socket.socket]:
    with socket.create_server(("", port), backlog=count) as listener:
        return [listener.accept()[0] for _ in range(count)]


def connect(port: int, count: int, prefix: str) -> list[socket.socket]:
    return [socket.create_connection((f"{prefix}{number}", port), timeout=10) for number in range(1, count + 1)]


def send(selector: selectors.BaseSelector) -> None:
    """Sends until the receiver ends the streams."""
    block = memoryview(bytearray(BLOCK))
    while True:
        for key, _ in selector.select():
            try:
                key.fileobj.send(block)
            except BlockingIOError:
                pass
            except (ConnectionError, TimeoutError):
                return


def receive(selector: selectors.BaseSelector, streams: list[socket.socket], seconds: float) -> None:
    buffer = bytearray(4 * BLOCK)
    total = counted = 0
    start = time.monotonic() + WARM_UP
    silent = set(streams)
    while (now := time.monotonic()) < start + seconds:
        for key, _ in selector.select(timeout=0.1):
            received = key.fileobj.recv_into(buffer)
            if received == 0:
                sys.exit("a stream has ended early")
            total += received
            if now >= start:
                counted += received
                silent.discard(key.fileobj)
    print(round(8 * counted / (now - start)), total, len(silent))


def main(side: str, role: str, port: str, count: str, seconds: str, *prefix: str) -> None:
    streams = (listen if side == "listen" else connect)(int(port), int(count), *prefix)
    selector = selectors.DefaultSelector()
    for stream in streams:
        stream.setblocking(False)
        selector.register(stream, selectors.EVENT_WRITE if role == "send" else selectors.EVENT_READ)
    if role == "send":
        send(selector)
    else:
        receive(selector, streams, float(seconds))


main(*sys.argv[1:])

"""One room, many sockets: deliveries per second of the hub against a bare broadcast in the same run.

    .venv/bin/python -m benchmarks.fanout [--sockets 200] [--messages 500] [--rounds 5]

One uvicorn process, set up as in production, serves both. *bare*: an ASGI application that sends one encoded frame to
all its sockets in a loop, without a broker; the limit of server and machine. *hub*: the site's own consumer at /live/;
the frames come through the broker from this process, as fast as it takes them. The frames have the same size, about
300 bytes. Clients count bytes and do nothing else. Printed: medians and the ratio of the two.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.site import ROOT, free_port
from miniconf.broker import start_broker

FRAME = 300  # bytes of payload
_bare: set[Any] = set()


def frame(topic: str, number: int) -> tuple[list[dict[str, Any]], str]:
    """Events of one message and their encoding, padded to FRAME bytes."""
    from miniconf.live import encode_frame

    event = {"n": number, "type": "message", "text": ""}
    event["text"] = "x" * (FRAME - len(encode_frame(topic, [event])))
    return [event], encode_frame(topic, [event])


# --- The server --------------------------------------------------------------------------------------------------------


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Everything received is a count; that many frames are sent to all."""
    await receive()
    await send({"type": "websocket.accept"})
    _bare.add(send)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            for number in range(1, int(message["text"]) + 1):
                text = frame("bench:bare", number)[1]
                for other in tuple(_bare):
                    await other({"type": "websocket.send", "text": text})
    finally:
        _bare.discard(send)


def application() -> Any:
    import django

    django.setup()
    from channels.routing import URLRouter
    from django.urls import path

    from miniconf.live.consumer import LiveConsumer
    from miniconf.live.registry import topic_kind

    @topic_kind("bench")
    class Bench:
        def authorize(self, user: Any, key: str) -> None: ...

        def backlog(self, user: Any, key: str, after: int | None) -> list[dict[str, Any]]:
            return []

    return URLRouter([path("live/", LiveConsumer.as_asgi()), path("bare/", bare)])


# --- The clients -------------------------------------------------------------------------------------------------------


class Client(asyncio.Protocol):
    def __init__(self, path: str) -> None:
        self.path = path
        self.received = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.wanted = 0
        self.finished = asyncio.Event()
        self.lost = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            if not data.startswith(b"HTTP/1.1 101"):
                raise SystemExit(f"no websocket at {self.path}: {data[:100]!r}")
            self.opened.set_result(None)
            data = data.partition(b"\r\n\r\n")[2]
        self.received += len(data)
        if self.received >= self.wanted:
            self.finished.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self.finished.set()

    def send(self, text: str) -> None:
        data = text.encode()
        head = (
            struct.pack("!BB", 0x81, 0x80 | len(data))
            if len(data) < 126
            else struct.pack("!BBH", 0x81, 0xFE, len(data))
        )
        self.transport.write(head + b"\0\0\0\0" + data)

    def expect(self, size: int) -> None:
        self.received, self.wanted = 0, size
        self.finished.clear()


async def connect(port: int, path: str, count: int) -> list[Client]:
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(count):
        _, client = await loop.create_connection(lambda: Client(path), "127.0.0.1", port)
        await client.opened
        clients.append(client)
    return clients


async def measure(clients: list[Client], messages: int, start: Any) -> float:
    """Deliveries per second from the call of `start` until every client has every frame."""
    for client in clients:
        client.expect(messages * (FRAME + 4))  # a frame of this size has a head of four bytes
    begun = time.perf_counter()
    await start()
    await asyncio.gather(*(client.finished.wait() for client in clients))
    seconds = time.perf_counter() - begun
    lost = sum(client.lost for client in clients)
    if lost:
        print(f"{lost} of {len(clients)} sockets were closed before the end")
    for client in clients:
        client.transport.close()
    return len(clients) * messages / seconds


async def bare_round(port: int, sockets: int, messages: int) -> float:
    clients = await connect(port, "/bare/", sockets)

    async def start() -> None:
        clients[0].send(str(messages))

    return await measure(clients, messages, start)


async def hub_round(port: int, sockets: int, messages: int, topic: str) -> float:
    from miniconf.live import publish

    clients = await connect(port, "/live/", sockets)
    for client in clients:
        client.expect(1)
        client.send(json.dumps({"id": 1, "do": "subscribe", "topic": topic, "after": 0}))
    await asyncio.gather(*(client.finished.wait() for client in clients))

    def speak() -> None:
        for number in range(1, messages + 1):
            publish(topic, frame(topic, number)[0])

    async def start() -> None:
        await asyncio.to_thread(speak)

    return await measure(clients, messages, start)


async def rounds(port: int, args: argparse.Namespace) -> None:
    for _ in range(100):
        try:
            (await connect(port, "/bare/", 1))[0].transport.close()
            break
        except OSError:
            await asyncio.sleep(0.1)
    bares, hubs = [], []
    for number in range(args.rounds):
        bares.append(await bare_round(port, args.sockets, args.messages))
        hubs.append(await hub_round(port, args.sockets, args.messages, f"bench:{number}"))
    ratios = [hub / bare for hub, bare in zip(hubs, bares, strict=True)]
    print(
        f"{args.sockets} sockets, {args.messages} messages: hub {statistics.median(hubs):,.0f} deliveries/s, "
        f"bare broadcast {statistics.median(bares):,.0f}/s, ratio {statistics.median(ratios):.2f} "
        f"(from {min(ratios):.2f} to {max(ratios):.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="miniconf-bench-") as data:
        broker = start_broker(Path(data) / "broker")
        port = free_port()
        os.environ.update(DJANGO_SETTINGS_MODULE="miniconf.settings", MINICONF_DATA=data, REDIS_URL=broker.url)
        options = ["--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--log-level", "warning"]
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "uvicorn",
                "benchmarks.fanout:application",
                "--factory",
                "--port",
                str(port),
                *options,
            ],
            cwd=ROOT,
        )
        try:
            asyncio.run(rounds(port, args))
        finally:
            server.terminate()
            server.wait(10)
            broker.stop()


if __name__ == "__main__":
    main()

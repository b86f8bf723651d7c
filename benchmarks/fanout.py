"""One room, many sockets: deliveries per second and their latency, against a bare broadcast and plain group_send.

    .venv/bin/python -m benchmarks.fanout [--sockets 1000] [--messages 200] [--rounds 5] [--rate 2]

One uvicorn process, set up as in production, serves all. *bare*: an ASGI application that sends one encoded frame to
all its sockets in a loop, without a broker; the limit of server and machine. *hub*: the site's own consumer at /live/;
the frames come through the broker from this process. *group_send*: Channels' consumer as its tutorial has it, on
channels_redis' pub/sub layer (where that package is installed). The frames have the same size, about 300 bytes. Clients
count bytes and do nothing else. First as many messages as it takes, then `rate` a second for the latency from the
publication to each client. Printed: medians and ratios.
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
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from channels.generic.websocket import AsyncWebsocketConsumer

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


class Grouped(AsyncWebsocketConsumer):
    """As in Channels' tutorial."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("bench", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("bench", self.channel_name)

    async def bench_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event["frame"]))


def layer_of_groups() -> dict[str, Any]:
    # Without these two, sockets die under load (docs of the layer; redis-py's defaults have changed).
    host = {"address": os.environ["REDIS_URL"], "socket_timeout": None, "max_connections": 10000}
    return {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [host]}}


def application() -> Any:
    import django
    from django.conf import settings

    settings.CHANNEL_LAYERS = {"default": layer_of_groups()} if has_groups() else {}
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

    return URLRouter([path("live/", LiveConsumer.as_asgi()), path("bare/", bare), path("group/", Grouped.as_asgi())])


def has_groups() -> bool:
    return find_spec("channels_redis") is not None


# --- The clients -------------------------------------------------------------------------------------------------------


class Client(asyncio.Protocol):
    def __init__(self, path: str) -> None:
        self.path = path
        self.received = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.wanted = 0
        self.finished = asyncio.Event()
        self.lost = False
        self.timed = False
        self.times: list[float] = []  # when each frame had come

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
        if self.timed:
            now = time.perf_counter()
            self.times += [now] * (self.received // (FRAME + 4) - len(self.times))
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
        self.received, self.wanted, self.times = 0, size, []
        self.finished.clear()


async def connect(port: int, path: str, count: int) -> list[Client]:
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(count):
        _, client = await loop.create_connection(lambda: Client(path), "127.0.0.1", port)
        await client.opened
        clients.append(client)
    return clients


Say = Callable[[int], None]  # has the message with this number sent to all


async def measure(clients: list[Client], messages: int, say: Say, rate: float | None) -> float:
    """Deliveries per second; with a rate of messages per second, the 99th percentile of their latency in seconds."""
    for client in clients:
        client.timed = rate is not None
        client.expect(messages * (FRAME + 4))  # a frame of this size has a head of four bytes
    said: list[float] = []

    def speak() -> None:
        for number in range(1, messages + 1):
            if rate is not None:
                time.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            said.append(time.perf_counter())
            say(number)

    begun = time.perf_counter()
    await asyncio.to_thread(speak)
    await asyncio.gather(*(client.finished.wait() for client in clients))
    seconds = time.perf_counter() - begun
    lost = sum(client.lost for client in clients)
    if lost:
        print(f"{lost} of {len(clients)} sockets were closed before the end")
    for client in clients:
        client.transport.close()
    if rate is None:
        return len(clients) * messages / seconds
    late = sorted(came - at for client in clients for at, came in zip(said, client.times, strict=False))
    return late[int(len(late) * 0.99)]


async def bare_round(port: int, args: argparse.Namespace, rate: float | None) -> float:
    clients = await connect(port, "/bare/", args.sockets)
    loop = asyncio.get_running_loop()
    count = args.messages if rate is None else paced(args)

    def say(number: int) -> None:
        if rate is not None:
            loop.call_soon_threadsafe(clients[0].send, "1")
        elif number == 1:
            loop.call_soon_threadsafe(clients[0].send, str(count))

    return await measure(clients, count, say, rate)


async def hub_round(port: int, args: argparse.Namespace, rate: float | None) -> float:
    from miniconf.live import publish

    topic = f"bench:{uuid4()}"
    clients = await connect(port, "/live/", args.sockets)
    for client in clients:
        client.expect(1)
        client.send(json.dumps({"id": 1, "do": "subscribe", "topic": topic, "after": 0}))
    await asyncio.gather(*(client.finished.wait() for client in clients))

    def say(number: int) -> None:
        publish(topic, frame(topic, number)[0])

    return await measure(clients, args.messages if rate is None else paced(args), say, rate)


async def group_round(port: int, args: argparse.Namespace, rate: float | None) -> float:
    from channels_redis.pubsub import RedisPubSubChannelLayer

    layer = RedisPubSubChannelLayer(**layer_of_groups()["CONFIG"])
    loop = asyncio.get_running_loop()
    clients = await connect(port, "/group/", args.sockets)

    def say(number: int) -> None:
        # Channels' json.dumps puts blanks behind separators: three frames' worth of them are taken off the text.
        content = json.loads(frame("bench:bare", number)[1])
        spare = len(json.dumps(content)) - FRAME
        content["events"][0]["text"] = content["events"][0]["text"][spare:]
        message = {"type": "bench.message", "frame": content}
        asyncio.run_coroutine_threadsafe(layer.group_send("bench", message), loop).result()

    try:
        return await measure(clients, args.messages if rate is None else paced(args), say, rate)
    finally:
        await layer.flush()


def paced(args: argparse.Namespace) -> int:
    return int(10 * args.rate)  # ten seconds


async def rounds(port: int, args: argparse.Namespace) -> None:
    for _ in range(300):
        try:
            (await connect(port, "/bare/", 1))[0].transport.close()
            break
        except OSError:
            await asyncio.sleep(0.1)
    ways = {"bare": bare_round, "hub": hub_round, **({"group_send": group_round} if has_groups() else {})}
    fast: dict[str, list[float]] = {name: [] for name in ways}
    late: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, way in ways.items():
            fast[name].append(await way(port, args, None))
            late[name].append(await way(port, args, args.rate))
    print(f"{args.sockets} sockets, medians of {args.rounds} rounds")
    for name in ways:
        rate, p99 = statistics.median(fast[name]), statistics.median(late[name])
        ratios = [hub / other for hub, other in zip(fast["hub"], fast[name], strict=True)]
        print(
            f"  {name:<11} {rate:>9,.0f} deliveries/s; p99 {p99 * 1000:6.0f} ms at {args.rate:g} messages/s; "
            f"hub is {statistics.median(ratios):.2f} times as fast (from {min(ratios):.2f} to {max(ratios):.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=2)
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

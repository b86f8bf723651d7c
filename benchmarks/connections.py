"""What open pages cost: opening a short and a very long room, memory of an idle connection, everybody coming back at once.

    .venv/bin/python -m benchmarks.connections [--long 1000000] [--sockets 1000] [--people 500]

*opening*: what a new viewer of a room starts with, a return after a short absence, and the piece of the history before the
middle, in a room of 100 messages and in one of a million; medians of 200, and their ratio (aim: 1). *memory*: what the web
process grows by for each socket that follows a room, against a bare websocket application's under the same server. *coming
back*: so many clients of miniconf_client follow a room; the web process is killed; the time until all are live again,
against the time they took to come in the first time, all at once; and how many connections the busiest second saw.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack

from benchmarks.fanout import connect
from benchmarks.site import ROOT, free_port, until_web_answers
from miniconf_client import Client
from tests.running import Site

FILL = """
from django.db import connection
from django.utils.timezone import now
from chat.models import Room
from miniconf.accounts.models import User
from papers.models import Paper
user = User.objects.get_or_create(email="filler@example.org")[0]
for count in (100, {long}):
    Paper.objects.get_or_create(uid=f"L{{count}}", defaults={{"title": "x"}})
    room = Room.objects.get_or_create(key=f"paper:L{{count}}", defaults={{"last_number": count}})[0]
    with connection.cursor() as cursor:
        cursor.execute('''
            with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < %s)
            insert into chat_message
                (room_id, number, author_id, client_id, text, html, created_at, reply_count, asked, votes, reactions)
            select %s, n, %s, lower(hex(randomblob(16))), 'I wonder whether one head is enough.',
                   '<p>I wonder whether one head is enough.</p>', %s, 0, '', 0, '{{}}' from numbers''',
            [count, room.pk, user.pk, now()])
"""


def shell(site: Site, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=ROOT,
        env=site.env,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


TIME = """
import json, statistics, time
from chat.queries import latest, missed, opening
from chat.rooms import find_room
found = {{}}
for count in (100, {long}):
    room = find_room(f"paper:L{{count}}")
    ways = {{"opening": lambda: opening(room), "return": lambda: missed(room, after=count - 20),
             "history": lambda: latest(room, before=count // 2, limit=50)}}
    for name, way in ways.items():
        times = []
        for _ in range(200):
            began = time.perf_counter()
            way()
            times.append(time.perf_counter() - began)
        found[f"{{name}} {{count}}"] = 1000 * statistics.median(times)
print(json.dumps(found))
"""


def opening(site: Site, long: int) -> None:
    shell(site, FILL.format(long=long))
    found = json.loads(shell(site, TIME.format(long=long)))
    for name in ("opening", "return", "history"):
        short, far = found[f"{name} 100"], found[f"{name} {long}"]
        print(f"{name:<8} 100 messages {short:.2f} ms, {long:,} messages {far:.2f} ms: ratio {far / short:.2f}")


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


async def memory(site: Site, sockets: int) -> float:
    """Kilobytes of the site's web process for each socket that follows a room."""
    pid = site.find("uvicorn")
    warm = await follow(site.port, 50)
    before = resident(pid)
    clients = await follow(site.port, sockets)
    grown = resident(pid) - before
    for client in [*warm, *clients]:
        client.transport.close()
    return grown / sockets


async def follow(port: int, sockets: int) -> list:
    clients = await connect(port, "/live/", sockets)
    for client in clients:
        client.expect(1)
        client.send(json.dumps({"id": 1, "do": "subscribe", "topic": "room:lounge:main", "after": 0}))
    await asyncio.gather(*(client.finished.wait() for client in clients))
    return clients


async def bare_memory(sockets: int) -> float:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.fanout:bare", "--port", str(port), "--log-level", "warning"]
    options = [
        "--ws",
        "websockets-sansio",
        "--ws-per-message-deflate",
        "false",
        "--loop",
        "uvloop",
        "--lifespan",
        "off",
    ]
    server = subprocess.Popen([*command, *options], cwd=ROOT, env={**os.environ})
    try:
        for _ in range(200):
            try:
                warm = await connect(port, "/bare/", 50)
                break
            except OSError:
                await asyncio.sleep(0.1)
        before = resident(server.pid)
        clients = await connect(port, "/bare/", sockets)
        grown = resident(server.pid) - before
        for client in [*warm, *clients]:
            client.transport.close()
        return grown / sockets
    finally:
        server.terminate()
        server.wait(10)


async def coming_back(site: Site, people: int) -> None:
    connected: list[float] = []
    clock = time.perf_counter
    async with AsyncExitStack() as stack:
        began = clock()
        clients = await asyncio.gather(*(stack.enter_async_context(Client(site.url)) for _ in range(people)))
        rooms = await asyncio.gather(*(client.room("lounge:main", after=0) for client in clients))
        first = clock() - began
        await asyncio.sleep(6)  # then a connection counts as one that lasted
        for client in clients:
            converse = client._converse

            async def noted(socket, converse=converse) -> None:
                connected.append(clock())
                await converse(socket)

            client._converse = noted  # type: ignore[method-assign]
        tries = sum(client.counts["connected"] for client in clients)
        os.kill(site.find("uvicorn"), signal.SIGKILL)
        began = clock()
        await asyncio.gather(*(client_lost(client) for client in clients))
        await asyncio.gather(*(room.until(lambda room: room.state == "live") for room in rooms))
        back = clock() - began
        again = sum(client.counts["connected"] for client in clients) - tries
    busiest = max(Counter(int(2 * (at - began)) for at in connected).values())
    print(
        f"{people} clients: all came in {first:.1f} s; after kill -9 of the web process all were live again in {back:.1f} s "
        f"({back / first:.2f} times as long); {again} connections ({again / people:.2f} each), at most {busiest} in half a "
        f"second, the first after {min(connected) - began:.1f} s"
    )


async def client_lost(client: Client) -> None:
    while client._connected.is_set() and client.counts["lost"] == 0:
        await asyncio.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--people", type=int, default=500)
    args = parser.parse_args()
    with Site(SAMPLE=0) as site:
        until_web_answers(site)
        opening(site, args.long)
        ours, bare = asyncio.run(memory(site, args.sockets)), asyncio.run(bare_memory(args.sockets))
        print(
            f"{args.sockets} idle sockets: {ours:.1f} kB each, bare application {bare:.1f} kB: ratio {ours / bare:.2f}"
        )
        asyncio.run(coming_back(site, args.people))


if __name__ == "__main__":
    main()

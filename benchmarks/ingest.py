"""Messages a second: committed, acknowledged and delivered through the whole site, against bare INSERTs of the same rows.

    .venv/bin/python -m benchmarks.ingest [--people 40] [--messages 1000] [--rooms 4] [--rounds 3] [--database sqlite]

*site*: so many people write in a few rooms over websockets, each message after the answer to the one before, until all
are acknowledged and everybody in the room has them. *service*: `send_message` alone, in as many threads as a web process
has. *inserts*: the rows of the messages and nothing else, each in a transaction of its own, in as many threads, on the
same server: the limit. Printed: medians, ratios, and what a message costs the web process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

from benchmarks.site import until_web_answers
from miniconf_client import Client
from tests.postgres import throw_away_server
from tests.running import ROOT, Site
from tests.stack.crowd import asked, make_people

THREADS = 8
TEXT = (
    "I wonder whether *one* head is enough when the sequence is long, see https://example.org/paper and `x @ w`. " * 2
)


def rooms_of(site: Site, count: int) -> list[str]:
    one = "Paper.objects.get_or_create(uid=f'B{n}', defaults={'title': 'x'})"
    asked(site, f"from papers.models import Paper\nprint('ROOMS', [{one} for n in range({count})])")
    return [f"paper:B{n}" for n in range(count)]


async def through_the_site(site: Site, tokens: list[str], rooms: list[str], messages: int) -> float:
    """Messages a second, acknowledged and delivered to everybody in their room."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(site.url, token=token)) for token in tokens]
        here = [await client.room(rooms[n % len(rooms)]) for n, client in enumerate(clients)]
        each = messages // len(clients)
        before = {room.key: room.last or 0 for room in here}
        wanted = {key: before[key] + each * sum(room.key == key for room in here) for key in before}
        began = time.perf_counter()
        await asyncio.gather(*(room.post(TEXT).sent for room in here for _ in range(each)))
        await asyncio.gather(*(room.until(lambda room: (room.last or 0) >= wanted[room.key]) for room in here))
        return each * len(clients) / (time.perf_counter() - began)


def beside_the_site(site: Site, what: str, messages: int, rooms: int) -> float:
    """Messages a second of `what` in a process of its own on the site's database."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ingest", "--only", what, "--messages", str(messages), "--rooms", str(rooms)],
        cwd=ROOT,
        env={**site.env, "DJANGO_SETTINGS_MODULE": "miniconf.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def only(what: str, messages: int, rooms: int) -> float:
    import uuid
    from concurrent.futures import ThreadPoolExecutor

    import django

    django.setup()
    from django.db import connection

    from chat.models import Message, Room
    from chat.services import send_message
    from miniconf.accounts.models import User

    people = [User.objects.get_or_create(email=f"direct{n}@example.org")[0] for n in range(THREADS)]
    kept = [Room.objects.get_or_create(key=f"paper:B{n}")[0] for n in range(rooms)]
    each = messages // THREADS
    first = max([room.last_number for room in kept], default=0) + 1

    def insert(n: int) -> None:
        for turn in range(each):
            # Numbers beyond those of the site, and rows that it will not look at.
            Message.objects.create(
                room=kept[n % rooms],
                number=10**9 + first * 10**6 + n * 10**5 + turn,
                author=people[n],
                client_id=uuid.uuid4(),
                text=TEXT,
                html=TEXT,
            )
        connection.close()

    def send(n: int) -> None:
        for _ in range(each):
            send_message(user=people[n], room_key=kept[n % rooms].key, client_id=uuid.uuid4(), text=TEXT)
        connection.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map({"inserts": insert, "service": send}[what], range(THREADS)))
    seconds = time.perf_counter() - began
    Message.objects.filter(number__gt=10**9).delete()
    return each * THREADS / seconds


def processor_seconds(site: Site) -> float:
    """What the web processes have used of the processor."""
    total = 0
    for pid, line in site.processes().items():
        if "uvicorn" in line:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def measure(database: str, args: argparse.Namespace) -> None:
    with ExitStack() as stack:
        generous: dict[str, Any] = {
            "CHAT_RATE_PERSON": "1000000/minute",
            "CHAT_RATE_ROOM": "1000000/minute",
            "SAMPLE": 0,
        }
        if database == "postgresql":
            generous["DATABASE_URL"] = stack.enter_context(throw_away_server())
        site = until_web_answers(stack.enter_context(Site(**generous)))
        tokens = make_people(site, "ingest", args.people)
        rooms = rooms_of(site, args.rooms)
        found: dict[str, list[float]] = {"site": [], "service": [], "inserts": []}
        used = 0.0
        for _ in range(args.rounds):
            before = processor_seconds(site)
            found["site"].append(asyncio.run(through_the_site(site, tokens, rooms, args.messages)))
            used += processor_seconds(site) - before
            for what in ("service", "inserts"):
                found[what].append(beside_the_site(site, what, args.messages, args.rooms))
        middle = {name: statistics.median(rates) for name, rates in found.items()}
        print(
            f"{database}: {args.people} people in {args.rooms} rooms, each message delivered to "
            f"{args.people // args.rooms}: site {middle['site']:,.0f} messages/s, service {middle['service']:,.0f}/s, bare "
            f"inserts {middle['inserts']:,.0f}/s; site/inserts {middle['site'] / middle['inserts']:.2f}, service/inserts "
            f"{middle['service'] / middle['inserts']:.2f}; {1000 * used / args.rounds / args.messages:.1f} ms of the web "
            f"process's processor time for each; rounds {json.dumps({n: [round(x) for x in r] for n, r in found.items()})}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--rooms", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--only", choices=["inserts", "service"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        os.environ["CHAT_RATE_PERSON"] = os.environ["CHAT_RATE_ROOM"] = "1000000/minute"
        print(only(args.only, args.messages, args.rooms))
        return
    for database in [args.database] if args.database else ["sqlite", "postgresql"]:
        measure(database, args)


if __name__ == "__main__":
    main()

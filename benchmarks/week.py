"""A conference's week of conversation in minutes, every message accounted for.

    .venv/bin/python -m benchmarks.week [--messages 100000] [--people 2000] [--database sqlite|postgresql] [--kill 1]

ICLR 2020 had about 100,000 messages, 687 papers and thousands of people in five days. The replayed week has as many: 20
sessions of two hours with some 34 papers each, in whose rooms seven of ten messages are written, half of these in the first
quarter of an hour; the others anywhere at any time, one in a hundred in the lounge, where everybody is. All people stay
connected; each follows the lounge and, session by session, the rooms of two papers they go to. Three of ten messages are
replies. A minute of the week is said at once, as fast as it goes, and the next begins when all of it is acknowledged.
`--kill`: how often all web processes are killed meanwhile.

Printed at the end: how many messages were sent, acknowledged, stored and delivered, what was lost, doubled or out of order
at any client (the command fails if anything was), the speed against the week's own, and how long the acknowledgement took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from array import array
from collections import Counter, defaultdict
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from benchmarks.site import until_web_answers
from miniconf_client import Client
from miniconf_client.client import Lost, Outgoing, Refused
from tests.postgres import throw_away_server
from tests.running import Site
from tests.stack.crowd import asked, make_people

DAYS, SESSIONS_A_DAY, PAPERS = 5, 4, 687
MINUTES = DAYS * 24 * 60
SESSION = 120  # minutes
BURST = 15  # the first minutes of a session
EACH_GOES_TO = 2  # papers of a session
LOUNGE = "lounge:main"
TEXTS = (
    "Why does *one* head do as well as eight here?",
    "Because the feedforward layer is where the work is done, see `boom.py` and Table 3.",
    "Thank you! Did you try it with $n > 4096$ tokens?",
    "Great talk. Is the code at https://example.org/code the version of the paper?",
)
FILL = """
from papers.models import Paper
Paper.objects.bulk_create([Paper(uid=f"W{{n}}", title=f"Paper {{n}}") for n in range({papers})])
print("DONE", 1)
"""
STORED = """
import json
from chat.models import Message
rows = Message.objects.order_by("room_id", "number").values_list("room__key", "number", "pk", "author__email")
print("ROWS", json.dumps(list(rows.iterator())))
"""


@dataclass(slots=True)
class Said:
    minute: int
    person: int
    room: str
    reply: bool


def programme(seed: random.Random) -> list[tuple[int, list[str]]]:
    """When each session begins, in minutes of the week, and the rooms of its papers."""
    rooms = [f"paper:W{n}" for n in range(PAPERS)]
    seed.shuffle(rooms)
    starts = [day * 1440 + hour * 60 for day in range(DAYS) for hour in (5, 10, 16, 21)]
    return [(start, rooms[n :: len(starts)]) for n, start in enumerate(starts)]


def week(
    messages: int, going: list[list[list[str]]], sessions: list[tuple[int, list[str]]], seed: random.Random
) -> list[Said]:
    """Who says what kind of thing where and when, in order."""
    plan = []
    every = [room for _, rooms in sessions for room in rooms]
    for _ in range(messages):
        person, dice = seed.randrange(len(going)), seed.random()
        if dice < 0.7:
            n = seed.randrange(len(sessions))
            within = BURST if seed.random() < 0.5 else SESSION
            minute, room = sessions[n][0] + seed.randrange(within), seed.choice(going[person][n])
        else:
            minute, room = seed.randrange(MINUTES), LOUNGE if dice < 0.71 else seed.choice(every)
        plan.append(Said(minute, person, room, seed.random() < 0.3))
    plan.sort(key=lambda said: said.minute)
    return plan


@dataclass(eq=False)
class Ledger:
    """What one client was told of one room, by number; a follower as miniconf_client wants it."""

    room: str
    topic: str = ""
    last: int | None = None
    start: int = 0  # numbers up to this one were there before
    told: array[int] = field(default_factory=lambda: array("Q"))
    wrong: list[str] = field(default_factory=list)
    gaps: int = 0

    def __post_init__(self) -> None:
        self.topic = f"room:{self.room}"

    def apply(self, events: list[dict[str, Any]]) -> None:
        first = self.last is None
        for event in events:
            number = event.get("n")
            if event["type"] == "gap":
                self.gaps += 1
            if number is None:
                continue
            if self.last is not None and number <= self.last:
                self.wrong.append(f"{self.room}: {number} after {self.last}")
            self.last = number
            if event["type"] == "message" and not first:
                self.told.append(number)
        if first:
            self.start = self.last = self.last or 0

    def refuse(self, error: Refused) -> None:
        self.wrong.append(f"{self.room}: {error}")

    def interrupt(self) -> None: ...


@dataclass
class Week:
    """The replay and its books."""

    site: Site
    clients: list[Client]
    ledgers: list[Ledger] = field(default_factory=list)  # those that are closed
    open: list[dict[str, Ledger]] = field(default_factory=list)  # for each client, by room
    sent: list[tuple[int, Outgoing]] = field(default_factory=list)
    roots: dict[str, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    fastest: float = 0.0  # messages a second in the busiest minute
    busiest: int = 0

    async def follow(self, person: int, room: str) -> None:
        ledger = Ledger(room)
        self.open[person][room] = ledger
        await self.clients[person].follow(ledger)

    async def go(self, person: int, rooms: list[str]) -> None:
        """From the rooms of the last session to those of the next."""
        for room in [room for room in self.open[person] if room != LOUNGE and room not in rooms]:
            ledger = self.open[person].pop(room)
            self.ledgers.append(ledger)
            with suppress(Lost):  # the next connection does not follow it
                await self.clients[person].leave(ledger)
        for room in rooms:
            if room not in self.open[person]:
                await self.follow(person, room)

    async def say(self, minute: list[Said]) -> None:
        began = time.perf_counter()
        posted = []
        for said in minute:
            root = self.roots.get(said.room) if said.reply else None
            more = {"thread": root} if root else {}
            text = f"{random.choice(TEXTS)} ({len(self.sent)})"
            posted.append((said, self.clients[said.person].send(said.room, text, **more)))
            self.sent.append((said.person, posted[-1][1]))
            posted[-1][1].sent.add_done_callback(lambda _: self.waits.append(time.perf_counter() - began))
        for said, outgoing in posted:
            event = await outgoing.sent
            if not event["thread"]:
                self.roots[said.room] = event["id"]
        if len(minute) > self.busiest:
            self.busiest, self.fastest = len(minute), len(minute) / (time.perf_counter() - began)

    async def kill(self) -> None:
        for pid, line in self.site.processes().items():
            if "uvicorn" in line:
                os.kill(pid, signal.SIGKILL)

    async def settle(self, newest: dict[str, int]) -> None:
        """Wait until everybody has what was stored in the rooms they follow."""
        left = [(one, newest[room]) for open in self.open for room, one in open.items() if room in newest]
        until = time.monotonic() + 300
        while left := [(one, number) for one, number in left if (one.last or 0) < number]:
            if time.monotonic() > until:
                break  # the account says so
            await asyncio.sleep(0.2)

    def account(self, rows: list[tuple[str, int, int, str]]) -> list[str]:
        """What is wrong, in sentences; nothing should be."""
        wrong = [said for ledger in self.all_ledgers() for said in ledger.wrong]
        stored, ids = defaultdict[str, list[int]](list), defaultdict[tuple[str, str], list[int]](list)
        for room, number, pk, email in rows:
            stored[room].append(number)
            ids[room, email].append(pk)
        acknowledged = Counter(outgoing.sent.result()["id"] for _, outgoing in self.sent)
        if acknowledged != Counter(row[2] for row in rows):
            wrong.append("what was acknowledged is not what is stored")
        written = defaultdict[tuple[str, str], list[int]](list)
        for person, outgoing in self.sent:
            written[outgoing.payload["room"], f"week{person}@example.org"].append(outgoing.sent.result()["id"])
        wrong += [
            f"{who} in {room}: not in the order written"
            for (room, who), own in written.items()
            if own != ids[room, who]
        ]
        for ledger in self.all_ledgers():
            end = ledger.last or 0
            if list(ledger.told) != [number for number in stored[ledger.room] if ledger.start < number <= end]:
                wrong.append(
                    f"{ledger.room}: told {len(ledger.told)} between {ledger.start} and {end}, not what is stored"
                )
        for open in self.open:
            for room, ledger in open.items():
                if stored[room] and (ledger.last or 0) < stored[room][-1]:
                    wrong.append(f"{room}: still at {ledger.last}, not {stored[room][-1]}")
        return wrong

    def all_ledgers(self) -> list[Ledger]:
        return [*self.ledgers, *(ledger for open in self.open for ledger in open.values())]


async def replay(site: Site, tokens: list[str], args: argparse.Namespace) -> int:
    seed = random.Random(2020)
    sessions = programme(seed)
    going = [[seed.sample(rooms, EACH_GOES_TO) for _, rooms in sessions] for _ in tokens]
    plan = week(args.messages, going, sessions, seed)
    async with AsyncExitStack() as stack:
        clients = [Client(site.url, token=token, answer_within=60) for token in tokens]
        began = time.perf_counter()
        for some in range(0, len(clients), 100):
            await asyncio.gather(*(stack.enter_async_context(client) for client in clients[some : some + 100]))
        now = Week(site, clients, open=[{} for _ in clients])
        await asyncio.gather(*(now.follow(person, LOUNGE) for person in range(len(clients))))
        print(f"{len(clients)} people connected in {time.perf_counter() - began:.0f} s", flush=True)
        kills = {len(plan) * (n + 1) // (args.kill + 1) for n in range(args.kill)}
        minutes = defaultdict[int, list[Said]](list)
        for said in plan:
            minutes[said.minute].append(said)
        starts = {start: n for n, (start, _) in enumerate(sessions)}
        began, done, killer = time.perf_counter(), 0, None
        for minute in sorted({*minutes, *starts}):
            if minute in starts:
                n = starts[minute]
                await asyncio.gather(*(now.go(person, going[person][n]) for person in range(len(clients))))
            if any(done <= kill < done + len(minutes[minute]) for kill in kills):
                killer = asyncio.create_task(now.kill())
            await now.say(minutes[minute])
            done += len(minutes[minute])
            if minute in starts:
                print(f"  minute {minute}: {done:,} said after {time.perf_counter() - began:.0f} s", flush=True)
        seconds = time.perf_counter() - began
        if killer:
            await killer
        rows = [tuple(row) for row in json.loads(await asyncio.to_thread(asked, site, STORED))]
        newest = {room: number for room, number, *_ in rows}
        await now.settle(newest)
        delivered = sum(len(ledger.told) for ledger in now.all_ledgers())
        settled = time.perf_counter() - began
        wrong = now.account(rows)
        counts = sum((client.counts for client in clients), Counter[str]())
        waits = sorted(now.waits)
        database = site.env.get("DATABASE_URL", "sqlite").partition(":")[0]
        gaps = sum(one.gaps for one in now.all_ledgers())
        print(
            f"{database}: {len(plan):,} sent, {len(waits):,} acknowledged, {len(rows):,} stored, {delivered:,} delivered "
            f"to {len(clients):,} people; lost, doubled or out of order: {len(wrong)}; the week took {seconds:.0f} s "
            f"({MINUTES * 60 / seconds:.0f} times as fast as real time), {len(rows) / seconds:.0f} messages and "
            f"{delivered / settled:,.0f} deliveries/s; in the busiest minute {now.busiest} messages, {now.fastest:.0f}/s; "
            f"acknowledged after p50 {waits[len(waits) // 2]:.2f} s, p99 {waits[int(len(waits) * 0.99)]:.2f} s (all of a "
            f"minute said at once); {args.kill} times killed, {counts['connected']:,} connections, {counts['sent again']} "
            f"sent again, {gaps} gaps"
        )
        for sentence in wrong[:20]:
            print(f"  {sentence}")
        return len(wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--kill", type=int, default=1)
    args = parser.parse_args()
    with ExitStack() as stack:
        settings: dict[str, Any] = {
            "SAMPLE": 0,
            # A day is said in a minute or two.
            "CHAT_RATE_PERSON": "1000000/minute",
            "CHAT_RATE_ROOM": "1000000/minute",
        }
        if args.database == "postgresql":
            settings["DATABASE_URL"] = stack.enter_context(throw_away_server())
        site = until_web_answers(stack.enter_context(Site(**settings)))
        asked(site, FILL.format(papers=PAPERS))
        tokens = make_people(site, "week", args.people)
        if asyncio.run(replay(site, tokens, args)):
            sys.exit(1)


if __name__ == "__main__":
    main()

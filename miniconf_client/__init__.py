"""A client of a miniconf site: rooms over the websocket, everything else over HTTP. docs/protocol.md is all it knows.

    async with Client("https://conference.example", token="mc_…") as client:
        lounge = await client.room("lounge:main")
        await lounge.send("*Hello* from a program")      # returns when the server has stored it
        async for event in lounge.news():                # what others say and change, in order, once, also after breaks
            ...

    with Demos("https://conference.example", token="mc_…") as client:
        for token in client.run("sha-rnn-generate", prompt="We propose"):
            print(token, end="", flush=True)

It needs `websockets` and `httpx`. docs/api.md tells more of demos.
"""

from .api import Api, AsyncRun
from .client import Client, Lost, Refused
from .demos import Demos, Run
from .room import BrokenPromise, Room
from .runs import Event, Problem, RunFailed, RunLost, Token

__all__ = [
    "Api",
    "AsyncRun",
    "BrokenPromise",
    "Client",
    "Demos",
    "Event",
    "Lost",
    "Problem",
    "Refused",
    "Room",
    "Run",
    "RunFailed",
    "RunLost",
    "Token",
]

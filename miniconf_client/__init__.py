"""A client of a miniconf site: rooms over the websocket, everything else over HTTP. docs/protocol.md is all it knows.

    async with Client("https://conference.example", token="mc_…") as client:
        lounge = await client.room("lounge:main")
        await lounge.send("*Hello* from a program")      # returns when the server has stored it
        async for event in lounge.news():                # what others say and change, in order, once, also after breaks
            ...

It needs `websockets` and, for `Api`, `httpx`.
"""

from .api import Api, Problem
from .client import Client, Lost, Refused
from .room import BrokenPromise, Room

__all__ = ["Api", "BrokenPromise", "Client", "Lost", "Problem", "Refused", "Room"]

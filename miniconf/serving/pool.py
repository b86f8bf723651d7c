"""The web process's threads: all synchronous work runs on them, each keeps its database connection.

Threads are few and fixed, so the number of database connections is WEB_THREADS x processes, whatever the load.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


@functools.cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=settings.WEB_THREADS, thread_name_prefix="web")


async def run_in_pool(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous function on one of the process's threads; it knows which request it works for."""
    run = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(pool(), functools.partial(run, func, *args, **kwargs))


async def run_db(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the database, as a request would: connections that went bad are replaced."""

    def with_fresh_connections() -> T:
        close_old_connections()
        try:
            return func(*args, **kwargs)
        finally:
            close_old_connections()

    return await run_in_pool(with_fresh_connections)

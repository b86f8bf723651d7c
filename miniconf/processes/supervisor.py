"""Starts processes, restarts what dies, says so, and ends everything in order.

One thread, no locks: signals wake a `select`, and `tick` looks at every process. Each process leads a process group
of its own (Ctrl-C in the terminal reaches the supervisor only), writes to its own log file, and is told by the kernel
when the supervisor dies, however that happens.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from miniconf.broker import die_with_parent

from .console import Console
from .logs import Log

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds before a restart; doubled while a process keeps dying
STEADY_AFTER = 60.0  # a process that lived this long has recovered


class Stopped(BaseException):
    """Somebody asked to stop while something long was being done in this process."""


@dataclass(frozen=True)
class Program:
    """How to start a process, and how it ends."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stage: int = 0  # programs of a lower stage are stopped first
    stop_by: float = 3.0  # seconds after the request to stop; it is killed then, so that all is over within ten
    pass_fds: Sequence[int] = ()
    # What the kernel sends it when the supervisor is gone. Python processes could take their time over SIGTERM.
    orphan_signal: signal.Signals = signal.SIGKILL
    on_exit: Callable[[], None] | None = None


class Child:
    """A program's process, over all its restarts."""

    def __init__(self, program: Program, log: Log) -> None:
        self.program = program
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.failures = 0
        self.restart_at = 0.0

    def start(self) -> None:
        with self.log.open() as output:
            self.process = subprocess.Popen(
                self.program.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,  # wherever the supervisor was started
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.environment},
                pass_fds=tuple(self.program.pass_fds),
                process_group=0,
                preexec_fn=die_with_parent(self.program.orphan_signal),
            )
        self.started_at = time.monotonic()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def terminate(self) -> None:
        if self.process is not None and self.is_running():
            self.process.terminate()

    def kill_group(self) -> None:
        """End what the process may have started itself."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    def __init__(self, console: Console, log_folder: Path) -> None:
        self.console = console
        self.log_folder = log_folder
        log_folder.mkdir(parents=True, exist_ok=True)
        self.children: dict[str, Child] = {}
        self.stop_requested = False
        self._interruptible = False
        self._wake, waker = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means what it says
                signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes the loop

    # --- starting and watching ------------------------------------------------------------------------------------

    def start(self, program: Program) -> Child:
        child = Child(program, Log(self.log_folder / f"{program.name.replace(' ', '-')}.log"))
        self.children[program.name] = child
        child.start()
        return child

    def run(self, each_tick: Callable[[], None] = lambda: None) -> None:
        """Watch over the children until somebody asks to stop."""
        while not self.stop_requested:
            self.tick()
            each_tick()
            self.sleep(0.25)

    def tick(self) -> None:
        """Tell new errors; restart, after a pause, what has died."""
        for child in self.children.values():
            self._tell(child)
            if child.is_running():
                if child.failures and time.monotonic() - child.started_at > STEADY_AFTER:
                    child.failures = 0
            elif child.process is not None:
                self._has_died(child)
            elif time.monotonic() >= child.restart_at:
                child.start()
                self.console.say(f"{child.program.name}: started again")

    def sleep(self, seconds: float) -> None:
        """Until a signal comes, at most that long."""
        if select.select([self._wake], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                os.read(self._wake, 4096)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """For long work in this process: a request to stop raises Stopped in the middle of it."""
        self._interruptible = True
        try:
            if self.stop_requested:
                raise Stopped
            yield
        finally:
            self._interruptible = False

    def _tell(self, child: Child) -> None:
        for line in child.log.new_errors():
            self.console.say(f"[{child.program.name}] {line}")

    def _has_died(self, child: Child) -> None:
        assert child.process is not None
        code = child.process.returncode
        child.kill_group()
        child.process = None
        delay = min(FIRST_DELAY * 2**child.failures, LONGEST_DELAY)
        child.failures += 1
        child.restart_at = time.monotonic() + delay
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self.console.say(f"{child.program.name}: {how}; starting it again in {delay:g} s (log: {child.log.path})")
        if code > 0:
            for line in child.log.last_lines():
                self.console.say(f"[{child.program.name}] {line}")
        if child.program.on_exit is not None:
            child.program.on_exit()

    # --- stopping ---------------------------------------------------------------------------------------------------

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_requested = True
        if self._interruptible:
            self._interruptible = False
            raise Stopped

    def stop_all(self) -> None:
        """End every process, stage by stage; what does not end in its time is killed."""
        began = time.monotonic()
        for stage in sorted({child.program.stage for child in self.children.values()}):
            group = [child for child in self.children.values() if child.program.stage == stage]
            self._stop([child for child in group if child.process is not None], began)

    def _stop(self, group: list[Child], began: float) -> None:
        for child in group:
            child.terminate()
        while waiting := [child for child in group if child.is_running()]:
            over = time.monotonic() - began
            for child in waiting:
                if over > child.program.stop_by:
                    self.console.say(f"{child.program.name}: did not end in {over:.0f} s and was killed")
                    child.kill_group()
            self.sleep(0.05)
        for child in group:
            self._tell(child)
            child.kill_group()

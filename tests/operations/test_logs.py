"""What the supervisor does with the output of processes."""

from __future__ import annotations

from pathlib import Path

from miniconf.processes.logs import MOST_ECHOED, Log

TRACEBACK = """2026-11-21 08:00:01,000 ERROR django.request: Internal Server Error: /papers/
Traceback (most recent call last):
  File "views.py", line 1, in paper
    raise ValueError("broken")
ValueError: broken
"""


def write(log: Log, text: str) -> None:
    with log.open() as file:
        file.write(text.encode())


def test_errors_are_told_with_their_tracebacks_and_nothing_else_is(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log")
    write(log, "2026-11-21 08:00:00,000 INFO miniconf: the word ERROR in passing is none\n")
    write(log, TRACEBACK)
    write(log, "[2026-11-21 08:00:02,000: INFO/MainProcess] ready\n  more of it\nINFO:     Shutting down\n")
    write(log, "[2026-11-21 08:00:03,000: CRITICAL/MainProcess] lost\n")
    assert log.new_errors() == [
        *TRACEBACK.splitlines(),
        "[2026-11-21 08:00:03,000: CRITICAL/MainProcess] lost",
    ]
    assert log.new_errors() == []


def test_a_line_is_told_once_it_is_finished(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log")
    write(log, "ERROR:    Exception in ")
    assert log.new_errors() == []
    write(log, "ASGI application\n")
    assert log.new_errors() == ["ERROR:    Exception in ASGI application"]


def test_an_endless_error_is_cut(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log")
    write(log, "ERROR: deep\n" + "  again\n" * 1000)
    assert len(log.new_errors()) == MOST_ECHOED


def test_each_start_begins_a_new_file_and_three_old_ones_are_kept(tmp_path: Path) -> None:
    for start in range(6):
        write(Log(tmp_path / "web.log"), f"start {start}\n")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "web.log": "start 5\n",
        "web.log.1": "start 4\n",
        "web.log.2": "start 3\n",
        "web.log.3": "start 2\n",
    }


def test_a_file_that_grows_too_large_is_begun_again_under_the_process_that_writes_it(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log", largest=100)
    with log.open() as file:
        file.write(b"x" * 200 + b"\n")
        file.flush()
        log.new_errors()
        file.write(b"ERROR: after\n")
        file.flush()
    assert (tmp_path / "web.log").read_text() == "ERROR: after\n"
    assert (tmp_path / "web.log.1").read_text() == "x" * 200 + "\n"
    assert log.new_errors() == ["ERROR: after"]

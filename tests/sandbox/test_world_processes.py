"""Processes are known by more than their pid, stopped for certain, and reported on when they do not start."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.processes import (
    CancelledError,
    Process,
    SandboxError,
    load_record,
    locked,
    run,
    save_record,
    spawn,
    start_time,
    stop,
    tail,
    wait_ready,
)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    process = spawn(["/bin/sleep", "60"], log=tmp_path / "log", cwd=tmp_path, uid=None, env={})
    yield process
    stop(process, polite=signal.SIGKILL, patience=5)


def test_a_recorded_process_is_found_again(tmp_path: Path, sleeper: Process) -> None:
    save_record(tmp_path / "sleeper.json", sleeper)

    assert load_record(tmp_path / "sleeper.json") == sleeper


def test_another_process_with_the_recorded_pid_is_not_mistaken_for_it(tmp_path: Path, sleeper: Process) -> None:
    save_record(tmp_path / "sleeper.json", Process(sleeper.pid, started="1"))

    assert load_record(tmp_path / "sleeper.json") is None


@pytest.mark.parametrize("record", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "started": "1", "more": 2}'])
def test_a_torn_record_says_nothing(tmp_path: Path, record: str) -> None:
    (tmp_path / "torn.json").write_text(record)

    assert load_record(tmp_path / "torn.json") is None


def test_a_process_that_its_parent_has_not_noticed_to_be_dead_is_dead() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as child:
        process = Process(child.pid, start_time(child.pid) or "")
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        assert not process.alive()


def test_a_process_that_refuses_to_end_is_forced(tmp_path: Path) -> None:
    deaf = spawn(
        ["/bin/sh", "-c", "trap '' TERM; echo deaf; while true; do sleep 1; done"],
        log=tmp_path / "log",
        cwd=tmp_path,
        uid=None,
        env={},
    )
    never = threading.Event()
    wait_ready(deaf, lambda: "deaf" in (tmp_path / "log").read_text(), seconds=5, cancelled=never, tick=lambda _: None)

    stop(deaf, polite=signal.SIGTERM, patience=0.2)

    assert not deaf.alive()


def test_stopping_what_is_gone_already_is_no_error(sleeper: Process) -> None:
    stop(sleeper, polite=signal.SIGKILL, patience=5)

    stop(sleeper, polite=signal.SIGTERM, patience=5)


def test_a_server_that_ends_while_it_starts_is_reported_at_once(tmp_path: Path) -> None:
    process = spawn(["/bin/sh", "-c", "echo cannot"], log=tmp_path / "log", cwd=tmp_path, uid=None, env={})
    began = time.monotonic()

    with pytest.raises(SandboxError, match="ended while it was starting"):
        wait_ready(process, lambda: False, seconds=60, cancelled=threading.Event(), tick=lambda _: None)

    assert time.monotonic() - began < 10


def test_a_server_that_does_not_answer_is_reported_after_the_deadline(sleeper: Process) -> None:
    with pytest.raises(SandboxError, match="did not answer within 0 s"):
        wait_ready(sleeper, lambda: False, seconds=0.1, cancelled=threading.Event(), tick=lambda _: None)


def test_waiting_ends_when_the_command_is_cancelled(sleeper: Process) -> None:
    cancelled = threading.Event()
    cancelled.set()

    with pytest.raises(CancelledError):
        wait_ready(sleeper, lambda: False, seconds=60, cancelled=cancelled, tick=lambda _: None)


def test_the_tail_of_a_log_leaves_out_what_earlier_starts_wrote(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("earlier\n")
    since = log.stat().st_size
    with log.open("a") as file:
        file.writelines(f"line {number}\n" for number in range(30))

    assert tail(log, since=since, lines=2) == "line 28\nline 29"
    assert "earlier" not in tail(log, since=since, lines=99)


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(SandboxError, match="exit code 3:\nno such luck"):
        run(["/bin/sh", "-c", "echo no such luck; exit 3"])


def test_a_taken_lock_is_waited_for_and_told(tmp_path: Path) -> None:
    order: list[str] = []
    told = threading.Event()

    def second() -> None:
        with locked(tmp_path / "lock", on_wait=told.set):
            order.append("second")

    with locked(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(5)
        order.append("first")
    thread.join(5)

    assert order == ["first", "second"]

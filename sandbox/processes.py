"""Servers as processes that outlive the command which started them.

Guarantees: a recorded process is found again and never mistaken for another that was given its pid later (the record
holds the start time, too); stopping is polite first and forced after a deadline; a server that dies or hangs while
booting is reported with the last lines of its log.
"""

import fcntl
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

LOG_LIMIT = 5 * 1024 * 1024  # bytes; a longer log is set aside when its server starts again
POLL_SECONDS = 0.05


class SandboxError(Exception):
    """Something in the world cannot be had; the message says what to do, in words for the person at the terminal."""


class CancelledError(SandboxError):
    """Somebody asked this command to stop; what it has started so far is recorded and `down` stops it."""


def start_time(pid: int) -> str | None:
    """When the process was started, as an opaque text that differs for every process that ever had this pid.

    None if there is no such process, or if it is dead and only waits for its parent to notice.
    """
    if Path("/proc/self/stat").exists():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and parentheses
        return None if fields[0] in "ZX" else fields[19]
    answer = subprocess.run(  # noqa: S603 - a number is all that varies
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


@dataclass(frozen=True)
class Process:
    """One server that this world started."""

    pid: int
    started: str

    def alive(self) -> bool:
        """Whether it still runs: this very process, not another with its pid."""
        return start_time(self.pid) == self.started


def save_record(path: Path, process: Process) -> None:
    """Write the record whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(process)))
    part.replace(path)


def load_record(path: Path) -> Process | None:
    """The recorded process if it is alive, else None: a stale or torn record says nothing."""
    try:
        process = Process(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return process if process.alive() else None


def spawn(command: Sequence[str], *, log: Path, cwd: Path, uid: int | None, env: Mapping[str, str]) -> Process:
    """Start a server in a session of its own, its output appended to the log.

    With a uid it runs as that user, in the group of the same number and in no other.
    """
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - our own command lines
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=cwd,
            env=dict(env),
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
        )
    started = start_time(child.pid)
    child.returncode = 0  # it is not ours to wait for: silences the warning about a child left running
    return Process(child.pid, started or "")


def run(command: Sequence[str], *, uid: int | None = None, cwd: Path | None = None, timeout: float = 60) -> str:
    """Run a short program to its end and return what it printed; SandboxError with its output when it fails."""
    try:
        answer = subprocess.run(  # noqa: S603 - our own command lines
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
            cwd=cwd or Path("/"),
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
        )
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"{Path(command[0]).name} did not finish within {timeout:.0f} s.") from error
    if answer.returncode != 0:
        raise SandboxError(
            f"{Path(command[0]).name} failed with exit code {answer.returncode}:\n{answer.stdout.strip()}"
        )
    return str(answer.stdout)


def stop(process: Process, *, polite: signal.Signals, patience: float) -> None:
    """Ask the process to end, and after `patience` seconds force it and its session. Returns once it is gone."""
    try:
        os.kill(process.pid, polite)
        if not wait_gone(process, patience):
            os.killpg(process.pid, signal.SIGKILL)
            wait_gone(process, 10)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise SandboxError(
            f"Process {process.pid} belongs to another user: stop this world as the user who started it."
        ) from error


def wait_gone(process: Process, seconds: float) -> bool:
    """Whether the process ended within so many seconds."""
    deadline = time.monotonic() + seconds
    while process.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS / 2)
    return True


def wait_ready(
    process: Process,
    is_ready: Callable[[], bool],
    *,
    seconds: float,
    cancelled: threading.Event,
    tick: Callable[[float], None],
) -> None:
    """Return once the server answers. SandboxError when it ends or the deadline passes first.

    `tick` is called with the seconds waited so far, often: whoever reports progress picks the moments.
    """
    began = time.monotonic()
    while not is_ready():
        waited = time.monotonic() - began
        if not process.alive():
            raise SandboxError("it ended while it was starting")
        if waited > seconds:
            raise SandboxError(f"it did not answer within {seconds:.0f} s")
        if cancelled.wait(POLL_SECONDS):
            raise CancelledError("interrupted")
        tick(waited)


def tail(log: Path, *, since: int, lines: int = 15) -> str:
    """The last lines written to the log after its first `since` bytes."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(since if since <= log.stat().st_size else 0)
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


@contextmanager
def locked(path: Path, *, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock on the file, which ends with this process. `on_wait` is called once if it is taken."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""A world: a real Postgres, Valkey and OpenSearch, and stand-ins for Alerting and Jira, each a process of its own.

    world = World.of(os.environ, say=print)
    world.up()           # starts what does not run, returns when all of it answers
    world.settings()     # what the portal needs to use it
    world.status(); world.down(); world.reset()

Guarantees: `up` is safe to call at any time, by several at once, and after any crash; it changes nothing when all parts
run. A part whose variable names a real server is left alone. Errors are SandboxError, in words for the person at the
terminal.
"""

import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sandbox import handover, paths
from sandbox.opensearch import OpenSearch
from sandbox.parts import Alerting, Context, Jira, Part
from sandbox.paths import Paths
from sandbox.postgres import Postgres
from sandbox.processes import (
    CancelledError,
    SandboxError,
    load_record,
    locked,
    save_record,
    spawn,
    stop,
    tail,
    wait_ready,
)
from sandbox.valkey import Valkey

PARTS: tuple[type[Part], ...] = (Postgres, Valkey, OpenSearch, Alerting, Jira)
NAMES = tuple(part.name for part in PARTS)


@dataclass(frozen=True)
class PartStatus:
    """How one part is right now."""

    name: str
    state: str
    """running, silent (the process is there and does not answer), stopped, or replaced (by what its variable names)."""
    pid: int | None
    address: str
    log: str


@dataclass
class World:
    """One world on this machine."""

    paths: Paths
    environ: Mapping[str, str]
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        self.cancelled = threading.Event()

    @classmethod
    def of(cls, environ: Mapping[str, str], *, say: Callable[[str], None]) -> "World":
        """The world that this environment means."""
        return cls(paths.find(environ), environ, say)

    def up(self, only: Iterable[str] = NAMES) -> None:
        """Start these parts and what they need. SandboxError names every part that did not start, and why."""
        wanted = _with_needs(only)
        paths.make(self.paths)
        with self._locked():
            replaced = self.replaced()
            for part in PARTS:
                if part.name in wanted and part.name in replaced:
                    self.say(f"{part.name}: not started, {part.replaced_by} is set and names the real one")
            parts = self._parts(self._choose_ports(), self._hand_over(replaced))
            self._start([part for part in parts if part.name in wanted and part.name not in replaced])

    def down(self) -> None:
        """Stop whatever this world has started, half-started servers too. Returns when all are gone."""
        if self.paths.records.is_dir():
            with self._locked():
                self._stop()

    def reset(self, *, everything: bool = False) -> None:
        """Stop all and delete data, logs and settings; with `everything`, also what was downloaded and copied."""
        if self.paths.records.is_dir():
            with self._locked():
                self._stop()
                for folder in (self.paths.root / "data", self.paths.servers / "data"):
                    shutil.rmtree(folder, ignore_errors=True)
                for file in (*self.paths.logs.glob("*.log*"), self.paths.settings):
                    file.unlink(missing_ok=True)
        if everything:
            shutil.rmtree(self.paths.cache, ignore_errors=True)
            if self.paths.outside is not None:
                shutil.rmtree(self.paths.outside, ignore_errors=True)

    def status(self) -> list[PartStatus]:
        """How each part is, asked just now."""
        replaced = self.replaced()
        ports = dict.fromkeys(handover.PORTS, 0) | handover.load_ports(self.paths.ports)
        return [self._status_of(part, replaced) for part in self._parts(ports, self.settings())]

    def settings(self) -> dict[str, str]:
        """What the last `up` wrote for the portal."""
        return handover.read_settings(self.paths.settings)

    def replaced(self) -> set[str]:
        """Parts whose variable is set to something else than this world: the real thing is used instead."""
        ours = self.settings()
        return {
            part.name
            for part in PARTS
            if self.environ.get(part.replaced_by) and self.environ[part.replaced_by] != ours.get(part.replaced_by)
        }

    def _locked(self) -> AbstractContextManager[None]:
        lock = self.paths.records / "lock"
        return locked(lock, on_wait=lambda: self.say("another command is at work in this world; waiting for it"))

    def _record(self, part: type[Part] | Part) -> Path:
        return self.paths.records / f"{part.name}.json"

    def _choose_ports(self) -> dict[str, int]:
        running = {part.name for part in PARTS if load_record(self._record(part))}
        running |= {
            name for part in PARTS if part.name in running for name in part.needs
        }  # they were told that address
        if running:
            running |= {"portal"}  # what listens there is the portal of this very world
        if "opensearch" in running:
            running |= {"opensearch-transport"}
        ports = handover.choose_ports(handover.load_ports(self.paths.ports), in_use=running)
        handover.save_ports(self.paths.ports, ports)
        return ports

    def _hand_over(self, replaced: Collection[str]) -> dict[str, str]:
        """Write `world.env` and return all settings, those of replaced parts too."""
        settings = handover.settings_of(self.paths, handover.load_ports(self.paths.ports), previous=self.settings())
        left_out = {name for part in PARTS if part.name in replaced for name in part.settings}
        written = {name: value for name, value in settings.items() if name not in left_out}
        if written != self.settings():
            handover.write_settings(self.paths.settings, written)
        return settings

    def _parts(self, ports: Mapping[str, int], settings: Mapping[str, str]) -> list[Part]:
        return [
            part(Context(self.paths, ports, settings, self.environ, self._teller(part.name), self.cancelled))
            for part in PARTS
        ]

    def _teller(self, name: str) -> Callable[[str], None]:
        return lambda text: self.say(f"{name}: {text}")

    def _start(self, parts: Sequence[Part]) -> None:
        """Start them side by side, each after what it needs."""
        starts: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(len(PARTS)) as pool:
            for part in parts:  # in the order of PARTS: what a part needs comes before it
                needs = {name: starts[name] for name in part.needs if name in starts}
                starts[part.name] = pool.submit(self._start_one, part, needs)
            try:
                wait(starts.values())
            except KeyboardInterrupt:
                self.cancelled.set()
                raise
        problems = [(name, start.exception()) for name, start in starts.items()]
        for _, problem in problems:
            if problem is not None and not isinstance(problem, SandboxError):
                raise problem
        if any(problem for _, problem in problems):
            raise SandboxError("\n\n".join(f"{name} did not start: {problem}" for name, problem in problems if problem))

    def _start_one(self, part: Part, needs: Mapping[str, Future[None]]) -> None:
        for name, start in needs.items():
            if start.exception() is not None:
                raise SandboxError(f"it needs {name}.")
        running = load_record(self._record(part))
        if running and part.is_ready():
            return
        if running:
            stop(running, polite=part.polite, patience=part.patience)
        for attempt in (1, 2):
            part.prepare()
            since = part.log.stat().st_size if part.log.exists() else 0
            try:
                self._boot(part)
            except CancelledError:
                raise
            except SandboxError as error:
                if attempt == 1 and load_record(self._record(part)) is None:
                    time.sleep(1)  # after a crash its orphans may need a moment to notice and let go
                    continue
                raise SandboxError(
                    f"{error}. {part.hint}\nThe end of {part.log}:\n{tail(part.log, since=since)}"
                ) from error
            return

    def _boot(self, part: Part) -> None:
        context = part.context
        began = told = time.monotonic()

        def tick(waited: float) -> None:
            nonlocal told
            if time.monotonic() - told >= 5:
                told = time.monotonic()
                context.say(f"booting, {waited:.0f} s so far")

        context.say("starting")
        process = spawn(part.command(), log=part.log, cwd=part.cwd, uid=part.uid, env=part.env)
        save_record(self._record(part), process)
        wait_ready(process, part.is_ready, seconds=part.boot_seconds, cancelled=self.cancelled, tick=tick)
        part.finish()
        context.say(f"ready after {time.monotonic() - began:.1f} s")

    def _stop(self) -> None:
        for group in ([part for part in PARTS if part.needs], [part for part in PARTS if not part.needs]):
            with ThreadPoolExecutor(len(PARTS)) as pool:
                for _ in pool.map(self._stop_one, group):
                    pass

    def _stop_one(self, part: type[Part]) -> None:
        running = load_record(self._record(part))
        if running:
            stop(running, polite=part.polite, patience=part.patience)
            self.say(f"{part.name}: stopped")
        self._record(part).unlink(missing_ok=True)

    def _status_of(self, part: Part, replaced: Collection[str]) -> PartStatus:
        if part.name in replaced:
            return PartStatus(part.name, "replaced", None, self.environ[part.replaced_by], "")
        running = load_record(self._record(part))
        state = "stopped" if running is None else "running" if part.is_ready() else "silent"
        return PartStatus(part.name, state, running.pid if running else None, part.address, str(part.log))


def _with_needs(names: Iterable[str]) -> set[str]:
    """These parts and those that they need."""
    wanted = set(names)
    unknown = wanted - set(NAMES)
    if unknown:
        raise SandboxError(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.")
    for part in reversed(PARTS):
        if part.name in wanted:
            wanted |= set(part.needs)
    return wanted

"""The home of an OpenSearch core node, put together from the jars that Maven Central publishes.

jgo resolves and downloads. Three things about it shape this module:
- Each coordinate is resolved in a call of its own: together, Maven's nearest-wins rule would downgrade Jackson and jna,
  and the node would not boot.
- It writes downloads straight to their final place and trusts what it finds there, so a call that was interrupted would
  spoil its cache, and two at once would spoil each other's. Each call therefore gets a cache of its own, filled with
  links to what is there already; what it adds is taken over when it has succeeded.
- It only warns of a checksum that does not match; here that is an error.

Guarantees: a home is complete or absent; once it is there, nothing is downloaded and no resolver runs.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from sandbox.processes import CancelledError, SandboxError, locked

LOG4J_CORE = {"3.4.0": "2.21.0", "3.8.0": "2.25.4"}
"""The versions of OpenSearch that were tried, and the log4j-core that goes with the log4j-api of each."""

DEFAULT_VERSION = "3.4.0"

MODULES = {
    "lang-painless": ("lang-painless", "org.opensearch.painless.PainlessModulePlugin"),
    "lang-mustache": ("lang-mustache-client", "org.opensearch.script.mustache.MustacheModulePlugin"),
    "transport-netty4": ("transport-netty4-client", "org.opensearch.transport.Netty4ModulePlugin"),
    "percolator": ("percolator-client", "org.opensearch.percolator.PercolatorModulePlugin"),
    "parent-join": ("parent-join-client", "org.opensearch.join.ParentJoinModulePlugin"),
    "aggs-matrix-stats": (
        "aggs-matrix-stats-client",
        "org.opensearch.search.aggregations.matrix.MatrixAggregationModulePlugin",
    ),
    "mapper-extras": ("mapper-extras-client", "org.opensearch.index.mapper.MapperExtrasModulePlugin"),
    "geo": ("geo", "org.opensearch.geo.GeoModulePlugin"),
    "reindex": ("reindex-client", "org.opensearch.index.reindex.ReindexModulePlugin"),
}
"""Module → its artifact in `org.opensearch.plugin`, and the class of the plugin."""

CALL_SECONDS = 300.0
ATTEMPTS = 2


def build(version: str, cache: Path, *, say: Callable[[str], None], cancelled: threading.Event) -> Path:
    """The home of this version, made first if it is not there. SandboxError when the download fails."""
    if version not in LOG4J_CORE:
        raise SandboxError(f"SANDBOX_OPENSEARCH_VERSION may be {' or '.join(LOG4J_CORE)}, not {version}.")
    home = cache / f"opensearch-{version}"
    if home.is_dir():
        return home
    with locked(
        cache / "opensearch.lock", on_wait=lambda: say("another command is downloading OpenSearch; waiting for it")
    ):
        if not home.is_dir():
            began = time.monotonic()
            for left_behind in cache.glob("fetching-*"):  # by a command that was killed; the lock is ours now
                shutil.rmtree(left_behind, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix="fetching-", dir=cache) as scratch:
                download = Download(cache / "m2", Path(scratch), cancelled)
                lib, modules = _resolve(version, download, say)
                part = Path(scratch) / "home"
                _lay_out(part, version, lib, modules)
                part.replace(home)
            say(f"home of {version} built in {time.monotonic() - began:.0f} s")
    return home


@dataclass
class Download:
    """Calls of jgo that share what they have downloaded."""

    repository: Path
    """The jars and poms of calls that succeeded, laid out as Maven does."""
    scratch: Path
    cancelled: threading.Event

    def __post_init__(self) -> None:
        self.repository.mkdir(parents=True, exist_ok=True)
        self._merging = threading.Lock()

    def jars(self, coordinate: str) -> list[Path]:
        """The jar of this coordinate and of all that it depends on. A call that fails is made once more."""
        for attempt in range(1, ATTEMPTS + 1):
            call = Path(tempfile.mkdtemp(dir=self.scratch))
            with self._merging:
                _link_tree(self.repository, call / "m2")
            output = self._call(coordinate, call)
            if output is None:
                with self._merging:
                    _link_tree(call / "m2", self.repository)
                return sorted((call / "environment").rglob("*.jar"))
            shutil.rmtree(call)
            if attempt == ATTEMPTS:
                raise SandboxError(
                    f"{coordinate} could not be downloaded:\n{output}\n"
                    "Check that this machine reaches Maven Central (https://repo.maven.apache.org) and try again; "
                    "what is complete is kept."
                )
        raise AssertionError("unreachable")

    def progress(self) -> tuple[int, int]:
        """How many files lie there so far, and their bytes."""
        sizes = {}
        for folder, _, files in os.walk(self.repository.parent):
            for name in files if "m2" in Path(folder).parts else ():
                try:
                    status = (Path(folder) / name).stat()
                except FileNotFoundError:  # a call that has just been cleared away
                    continue
                sizes[status.st_ino] = status.st_size
        return len(sizes), sum(sizes.values())

    def _call(self, coordinate: str, call: Path) -> str | None:
        """Run jgo. None when all went well, else the last lines that it printed."""
        command = [
            sys.executable,
            "-m",
            "jgo",
            "--resolver",
            "python",
            "--ignore-config",
            "--color",
            "never",
            "--links",
            "auto",
        ]
        command += ["--timeout", "60", "--repo-cache", str(call / "m2"), "--cache-dir", str(call / "environment")]
        log = call / "output"
        with log.open("wb") as output:
            child = subprocess.Popen(  # noqa: S603 - our own command line
                [*command, "info", "jars", coordinate],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(call)},  # it keeps nothing outside the world
            )
        deadline = time.monotonic() + CALL_SECONDS
        while child.poll() is None:
            if self.cancelled.wait(0.05) or time.monotonic() > deadline:
                child.kill()
                child.wait(10)
        if self.cancelled.is_set():
            raise CancelledError("interrupted")
        text = log.read_text(errors="replace")
        if child.returncode == 0 and "Checksum mismatch" not in text:
            return None
        return "\n".join(text.strip().splitlines()[-5:])


def _resolve(version: str, download: Download, say: Callable[[str], None]) -> tuple[list[Path], dict[str, list[Path]]]:
    """The jars of `lib` and of each module. Two calls run at a time: what takes long is one request after another."""
    core = f"org.opensearch:opensearch:{version}"
    extras = [
        f"org.opensearch:opensearch-plugin-classloader:{version}",
        f"org.opensearch:opensearch-agent-bootstrap:{version}",
        f"org.apache.logging.log4j:log4j-core:{LOG4J_CORE[version]}",
        "org.locationtech.spatial4j:spatial4j:0.7",
        "org.locationtech.jts:jts-core:1.15.0",
    ]
    say(f"downloading OpenSearch {version} from Maven Central (about 55 MB, once)")
    with ThreadPoolExecutor(2) as pool:
        first = {coordinate: pool.submit(download.jars, coordinate) for coordinate in (core, *extras)}
        _watch(first.values(), download, say, done_before=0, total=len(first) + len(MODULES))
        # Modules share nearly all that they need with the core: resolved after it, they download only what is theirs.
        later = {
            name: pool.submit(download.jars, f"org.opensearch.plugin:{artifact}:{version}")
            for name, (artifact, _) in MODULES.items()
        }
        _watch(later.values(), download, say, done_before=len(first), total=len(first) + len(MODULES))
    lib = first.pop(core).result()
    known = {
        _artifact(jar) for jar in lib
    }  # of the core's own jars none is dropped: 3.8 has Jackson 2 and 3 under one name
    for extra in first.values():
        added = [jar for jar in extra.result() if _artifact(jar) not in known]
        known |= {_artifact(jar) for jar in added}
        lib += added
    return lib, {name: [jar for jar in calls.result() if _artifact(jar) not in known] for name, calls in later.items()}


def _watch(
    calls: Iterable[Future[list[Path]]], download: Download, say: Callable[[str], None], *, done_before: int, total: int
) -> None:
    """Wait for the calls, telling how far they are every five seconds. The first failure calls off the rest."""
    waiting = set(calls)
    done = done_before
    told = time.monotonic()
    while waiting:
        finished, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
        for call in finished:
            if call.exception() is not None:
                for other in waiting:
                    other.cancel()
            call.result()
        done += len(finished)
        if time.monotonic() - told > 5 and waiting:
            told = time.monotonic()
            files, size = download.progress()
            say(f"downloading: {done} of {total} packages complete; {files} files, {size / 1e6:.0f} MB so far")


def _lay_out(home: Path, version: str, lib: list[Path], modules: dict[str, list[Path]]) -> None:
    for folder in ("bin", "config", "plugins", "data", "logs", "tmp", "lib"):  # the node wants to see them all
        (home / folder).mkdir(parents=True)
    for jar in lib:
        link_or_copy(jar, home / "lib" / jar.name)
    for name, jars in modules.items():
        module = home / "modules" / name
        module.mkdir(parents=True)
        for jar in jars:
            link_or_copy(jar, module / jar.name)
        (module / "plugin-descriptor.properties").write_text(
            f"name={name}\ndescription=The module {name}\nversion={version}\nopensearch.version={version}\n"
            f"java.version=21\nclassname={MODULES[name][1]}\nhas.native.controller=false\n"
        )
    for folder, folders, files in os.walk(home):
        for name in folders:
            (Path(folder) / name).chmod(0o755)  # whatever the umask: another user runs it
        for name in files:
            (Path(folder) / name).chmod(0o644)
    home.chmod(0o755)


def link_or_copy(source: Path, target: Path) -> None:
    """Make target the same file as source, or a copy where links are not to be had."""
    real = source.resolve()
    try:
        os.link(real, target)
    except OSError:
        shutil.copy2(real, target)


def _link_tree(source: Path, target: Path) -> None:
    """Give target each file of source that it has not."""
    for folder, _, files in os.walk(source):
        into = target / Path(folder).relative_to(source)
        into.mkdir(parents=True, exist_ok=True)
        for name in files:
            if not (into / name).exists():
                link_or_copy(Path(folder) / name, into / name)


def _artifact(jar: Path) -> str:
    """`lucene-core-10.3.2.jar` → `lucene-core`."""
    return re.split(r"-(?=\d)", jar.stem, maxsplit=1)[0]

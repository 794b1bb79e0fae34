"""A world starts, stops, survives its servers' sudden death, and leaves alone what was replaced."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from sandbox.paths import NOBODY, PROJECT, world_folder
from sandbox.processes import SandboxError, load_record, start_time, wait_gone
from sandbox.valkey import Valkey
from sandbox.world import World

QUICK = ("postgres", "valkey")


class Told(list[str]):
    """What a world said."""

    def __call__(self, line: str) -> None:
        self.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self)


MakeWorld = Callable[..., World]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the servers can reach; pytest's own is closed to them when root runs the tests."""
    shared = world_folder(os.environ)
    shared.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="w", dir=shared))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def make_world(folder: Path) -> Iterator[MakeWorld]:
    """Worlds in that one folder, as commands with different environments see it."""
    worlds: list[World] = []

    def make(**environ: str) -> World:
        kept = ("PATH", "SANDBOX_CACHE_DIR", "SANDBOX_POSTGRES_OPTIONS", "SANDBOX_OPENSEARCH_JAVA_OPTS")
        base = {name: os.environ[name] for name in kept}
        worlds.append(World.of({**base, "SANDBOX_DIR": str(folder), **environ}, say=Told()))
        return worlds[-1]

    yield make
    make().reset()
    for world in worlds:
        if world.paths.outside is not None:
            shutil.rmtree(world.paths.outside, ignore_errors=True)


def states(world: World) -> dict[str, str]:
    return {part.name: part.state for part in world.status()}


def pids(world: World) -> dict[str, int | None]:
    return {part.name: part.pid for part in world.status() if part.name in QUICK}


def kill(world: World, name: str) -> None:
    process = load_record(world.paths.records / f"{name}.json")
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert wait_gone(process, 10)


def processes_of(folder: Path) -> list[str]:
    """The command lines of all living processes that name this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(folder) in command and start_time(int(process.name)) is not None:
            found.append(command)
    return found


def query(world: World, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(world.settings()["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_what_up_starts_can_be_used_by_the_settings_that_it_wrote(make_world: MakeWorld) -> None:
    world = make_world()

    world.up(QUICK)

    assert states(world) == {
        "postgres": "running",
        "valkey": "running",
        "opensearch": "stopped",
        "alerting": "stopped",
        "jira": "stopped",
    }
    assert query(world, "SELECT current_database(), 1 + 1") == [("oktadetect", 2)]
    socket = world.settings()["CELERY_BROKER_URL"].removeprefix("redis+socket://")
    with redis.Redis(unix_socket_path=socket) as client:
        assert client.ping()


def test_up_changes_nothing_when_all_of_it_runs(make_world: MakeWorld) -> None:
    world = make_world()
    world.up(QUICK)
    before = pids(world), world.settings()
    told = Told()

    World(world.paths, world.environ, told).up(QUICK)

    assert (pids(world), world.settings()) == before
    assert told == []


def test_two_ups_at_once_start_each_server_once(make_world: MakeWorld, folder: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "up", "--only", "postgres,valkey"]
    environ = {**make_world().environ}
    both = [
        subprocess.Popen(command, env=environ, cwd=PROJECT, stderr=subprocess.PIPE, text=True)  # noqa: S603 - ours
        for _ in range(2)
    ]
    told = [process.communicate(timeout=120)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], told
    assert sum(text.count("postgres: starting") for text in told) == 1
    assert len([command for command in processes_of(folder) if "postgres -D" in command]) == 1


def test_down_leaves_nothing_running_and_keeps_the_data(make_world: MakeWorld, folder: Path) -> None:
    world = make_world()
    world.up(QUICK)
    query(world, "CREATE TABLE kept (n int)")
    assert processes_of(folder)

    world.down()

    assert processes_of(folder) == []
    assert set(states(world).values()) == {"stopped"}
    world.up(("postgres",))
    assert query(world, "SELECT count(*) FROM kept") == [(0,)]


def test_up_repairs_a_server_that_was_killed(make_world: MakeWorld) -> None:
    world = make_world()
    world.up(QUICK)
    query(world, "CREATE TABLE survived AS SELECT 42 AS n")
    for name in QUICK:
        kill(world, name)
    assert states(world)["postgres"] == states(world)["valkey"] == "stopped"

    world.up(QUICK)

    assert states(world)["postgres"] == states(world)["valkey"] == "running"
    assert query(world, "SELECT n FROM survived") == [(42,)]


def test_down_stops_a_server_that_does_not_answer_yet(
    make_world: MakeWorld, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Valkey, "patience", 0.3)
    world = make_world()
    world.up(("valkey",))
    pid = pids(world)["valkey"]
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # there, and not answering: as half-started as can be

    world.down()

    assert processes_of(folder) == []


@pytest.mark.parametrize(
    ("variable", "parts"),
    [
        ("DATABASE_URL", {"postgres"}),
        ("CELERY_BROKER_URL", {"valkey"}),
        ("OPENSEARCH_URL", {"opensearch", "alerting"}),
        ("JIRA_URL", {"jira"}),
    ],
)
def test_what_the_environment_names_is_neither_started_nor_written(
    make_world: MakeWorld, variable: str, parts: set[str]
) -> None:
    world = make_world(**{variable: "https://real.example.com"})

    world.up(parts)

    assert {name for name, state in states(world).items() if state == "replaced"} == parts
    assert variable not in world.settings()
    assert isinstance(world.say, Told)
    assert f"{variable} is set" in world.say.text


def test_replacing_jira_does_not_leave_the_stand_ins_credentials_behind(make_world: MakeWorld) -> None:
    make_world().up(("valkey",))
    world = make_world(JIRA_URL="https://real.example.com")

    world.up(("valkey",))

    assert not {"JIRA_URL", "JIRA_USER", "JIRA_TOKEN"} & set(world.settings())


def test_an_environment_that_repeats_what_up_wrote_replaces_nothing(make_world: MakeWorld) -> None:
    first = make_world()
    first.up(("valkey",))

    world = make_world(**first.settings())
    world.up(("valkey",))

    assert world.settings() == first.settings()
    assert states(world)["valkey"] == "running"


def test_a_server_that_does_not_start_is_reported_with_the_end_of_its_log(make_world: MakeWorld) -> None:
    world = make_world(SANDBOX_POSTGRES_OPTIONS="-c no_such_option=1")

    with pytest.raises(SandboxError) as failure:
        world.up(QUICK)

    message = str(failure.value)
    assert message.startswith("postgres did not start: it ended while it was starting")
    assert "no_such_option" in message
    assert str(world.paths.logs / "postgres.log") in message
    assert states(world)["valkey"] == "running"  # one failure does not keep the others from starting


def test_data_of_another_postgres_is_not_touched(make_world: MakeWorld) -> None:
    world = make_world()
    world.up(("postgres",))
    world.down()
    (world.paths.data("postgres") / "PG_VERSION").write_text("9\n")

    with pytest.raises(SandboxError, match=r"made by Postgres 9, and 18 is installed: `manage.py sandbox reset`"):
        world.up(("postgres",))


def test_reset_forgets_the_data_and_keeps_what_was_downloaded(make_world: MakeWorld) -> None:
    world = make_world()
    world.up(("postgres",))
    query(world, "CREATE TABLE forgotten (n int)")
    secret = world.settings()["OKTADETECT_SECRET_KEY"]

    world.reset()

    assert world.paths.cache.is_dir()
    assert world.settings() == {}
    world.up(("postgres",))
    assert query(world, "SELECT to_regclass('forgotten')") == [(None,)]
    assert world.settings()["OKTADETECT_SECRET_KEY"] != secret


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_below_a_folder_that_only_root_may_enter_servers_run_from_a_folder_of_their_own(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    modes = {folder: folder.stat().st_mode for folder in (closed, *closed.parents)}
    world = make_world(SANDBOX_DIR=str(closed / "world"), SANDBOX_CACHE_DIR=str(closed / "cache"))
    try:
        world.up(QUICK)

        assert query(world, "SELECT 1") == [(1,)]
        outside = world.paths.outside
        assert outside is not None
        assert (outside.stat().st_uid, stat.S_IMODE(outside.stat().st_mode)) == (NOBODY, 0o700)
        assert {folder: folder.stat().st_mode for folder in (closed, *closed.parents)} == modes
        pid = pids(world)["postgres"]
        assert Path(f"/proc/{pid}").stat().st_uid == NOBODY
    finally:
        world.reset(everything=True)
    assert not outside.exists()


def test_the_command_line_tells_how_the_world_is(make_world: MakeWorld, folder: Path) -> None:
    def sandbox(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "manage.py", "sandbox", *arguments],
            env={**make_world().environ, "OPENSEARCH_URL": "http://real", "JIRA_URL": "http://real"},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert sandbox("status").returncode == 1
    assert sandbox("up", "--quiet").stderr == ""
    answer = sandbox("status", "--json")
    facts = json.loads(answer.stdout)
    assert answer.returncode == 0
    assert facts["folder"] == str(folder)
    assert facts["parts"]["postgres"]["state"] == "running"
    assert facts["parts"]["jira"]["state"] == "replaced"
    assert sandbox("down").returncode == 0
    assert "There is no part mysql" in sandbox("up", "--only", "mysql").stderr


@pytest.mark.opensearch
def test_a_node_that_was_killed_comes_back_with_its_documents(make_world: MakeWorld, folder: Path) -> None:
    def ask(method: str, path: str, body: object = None) -> dict[str, object]:
        import urllib.request

        request = urllib.request.Request(  # noqa: S310 - an address of this world
            world.settings()["SANDBOX_OPENSEARCH_NODE_URL"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - an address of this world
            document = json.load(answer)
            assert isinstance(document, dict)
            return document

    world = make_world()
    world.up(("opensearch",))
    ask("PUT", "/kept/_doc/1", {"eventType": "user.session.start"})
    kill(world, "opensearch")

    world.up(("opensearch",))

    assert ask("GET", "/kept/_doc/1")["_source"] == {"eventType": "user.session.start"}
    settings = ask("GET", "/_cluster/settings?flat_settings=true")["persistent"]
    assert settings == {
        "script.context.template.max_compilations_rate": "1000/5m",
        "script.context.template.cache_max_size": "1000",
    }
    world.down()
    assert processes_of(folder) == []

"""A session of tests starts the parts that its tests need, in a world of its own, and stops them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sandbox.paths import PROJECT, world_folder

PROBE = """
import json, os, pathlib, pytest
from sandbox.world import World

def running():
    return sorted(part.name for part in World.of(os.environ, say=print).status() if part.state == "running")

def note(key):
    with pathlib.Path(os.environ["NOTES"]).open("a") as file:
        file.write(json.dumps([key, running(), os.environ["SANDBOX_DIR"], os.environ["JIRA_URL"]]) + chr(10))

def test_plain(): note("plain")

@pytest.mark.jira
def test_marked(): note("marked")

def test_asking(broker_url): note("asking")
"""
CONFIGURATION = "[pytest]\naddopts = -p tests.plugin -p no:valkey -p no:django -p no:randomly\nmarkers =\n jira: jira\n"


def run_session(folder: Path, *arguments: str, **environ: str) -> list[tuple[str, list[str], str, str]]:
    """Run the probe as a session of its own; what its tests noted: key, parts running, world, address of Jira."""
    (folder / "test_probe.py").write_text(PROBE)
    (folder / "pytest.ini").write_text(CONFIGURATION)
    notes = folder / "notes"
    inherited = {name: os.environ[name] for name in ("PATH", "SANDBOX_CACHE_DIR")}
    answer = subprocess.run(  # noqa: S603 - our own command line
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-c",
            str(folder / "pytest.ini"),
            str(folder / "test_probe.py"),
            *arguments,
        ],
        env={**inherited, "SANDBOX_DIR": str(world_folder(os.environ).parent), "NOTES": str(notes), **environ},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return [tuple(json.loads(line)) for line in notes.read_text().splitlines()]


def test_each_part_starts_with_the_first_test_that_needs_it(tmp_path: Path) -> None:
    noted = run_session(tmp_path)

    assert [(key, parts) for key, parts, _, _ in noted] == [
        ("plain", ["postgres"]),
        ("marked", ["jira", "postgres"]),
        ("asking", ["jira", "postgres", "valkey"]),
    ]


def test_a_second_session_has_a_world_of_its_own_which_stops_with_it(tmp_path: Path) -> None:
    (_, _, world, _), *_ = run_session(tmp_path, "-k", "plain")

    assert world != os.environ["SANDBOX_DIR"]
    answer = subprocess.run(
        [sys.executable, "-m", "sandbox", "status", "--json"],
        env={"PATH": os.environ["PATH"], "SANDBOX_DIR": world, "SANDBOX_CACHE_DIR": os.environ["SANDBOX_CACHE_DIR"]},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert {part["state"] for part in json.loads(answer.stdout)["parts"].values()} == {"stopped"}


def test_workers_share_the_world_of_their_session(tmp_path: Path) -> None:
    noted = run_session(tmp_path, "-n", "2")

    assert {key for key, *_ in noted} == {"plain", "marked", "asking"}
    assert len({world for _, _, world, _ in noted}) == 1


def test_what_the_environment_sets_goes_first(tmp_path: Path) -> None:
    noted = run_session(tmp_path, "-k", "plain or asking", JIRA_URL="https://real.example.com")

    assert {jira for *_, jira in noted} == {"https://real.example.com"}

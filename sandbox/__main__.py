"""`manage.py sandbox …` or `python -m sandbox …`: the world to try and test in. It also passes on `manage.py demo`."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.world import World


def main(argv: Sequence[str]) -> int:
    """Run one command; `argv` is what follows the program's name. The result is the exit code."""
    if os.name != "posix":
        print("The sandbox runs on Linux and macOS; elsewhere, use the real servers.", file=sys.stderr)
        return 1
    if argv[:1] == ["demo"]:
        from sandbox.demo import main as demo

        return demo(argv[1:])
    return sandbox(argv[1:] if argv[:1] == ["sandbox"] else argv)


def sandbox(argv: Sequence[str]) -> int:
    """up, down, status or reset."""
    from sandbox.processes import SandboxError
    from sandbox.world import World

    options = _parser().parse_args(argv)
    quiet = getattr(options, "quiet", False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end is told to end, whatever the signal
    try:
        world = World.of(os.environ, say=lambda line: None if quiet else print(line, file=sys.stderr, flush=True))
        if options.command == "up":
            world.up() if options.only is None else world.up(options.only)
            world.say(f"up: settings in {world.paths.settings}")
        elif options.command == "down":
            world.down()
        elif options.command == "reset":
            world.reset(everything=options.all)
        else:
            return _status(world, as_json=options.json)
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: what runs keeps running; `manage.py sandbox down` stops it.", file=sys.stderr)
        return 130
    return 0


def _status(world: "World", *, as_json: bool) -> int:
    """Print how the world is; 0 when every part runs or is replaced."""
    parts = world.status()
    outside = world.paths.outside
    if as_json:
        facts = {
            "folder": str(world.paths.root),
            "outside": None if outside is None else str(outside),
            "settings": str(world.paths.settings),
            "parts": {part.name: asdict(part) for part in parts},
        }
        print(json.dumps(facts, indent=1))
    else:
        print(f"world in {world.paths.root}, settings in {world.paths.settings}")
        if outside is not None:
            print(f"and, since its servers cannot use the project's own folders, in {outside}")
        for part in parts:
            pid = "" if part.pid is None else f"pid {part.pid}"
            print(f"{part.name:11} {part.state:9} {pid:12} {part.address}")
    return 0 if all(part.state in ("running", "replaced") for part in parts) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py sandbox", description=(__doc__ or "").partition(":")[2].strip())
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start what does not run yet, and wait until it answers")
    up.add_argument(
        "--only", type=lambda text: text.split(","), help="these parts and what they need, separated by commas"
    )
    up.add_argument("--quiet", action="store_true", help="say nothing unless something fails")
    commands.add_parser("down", help="stop everything; data stays")
    status = commands.add_parser("status", help="what runs, and where; the exit code is 0 when all of it does")
    status.add_argument("--json", action="store_true")
    reset = commands.add_parser("reset", help="stop everything and delete the data")
    reset.add_argument("--all", action="store_true", help="delete what was downloaded and copied, too")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

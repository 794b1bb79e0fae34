"""``python -m sandbox.okta generate|play``: Okta traffic into a file, or into OpenSearch as it happens."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from .events import written
from .play import NotIndexedError, plan_live, play
from .traffic import ENGINES, KNOWN, USUAL, now, plan
from .truth import Attack


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two commands; the exit code is 1 when OpenSearch would not take the events."""
    options = _parser().parse_args(arguments)
    if options.command == "generate":
        return _generate(options)
    return _play(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.okta", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--seed", type=int, default=7, help="the same seed gives the same traffic")
    common.add_argument("--users", type=int, default=200, help="people with an everyday life")
    common.add_argument("--attacks", type=int, default=42, help="attacks, the families in turn")
    common.add_argument(
        "--families",
        type=_families,
        default=USUAL,
        metavar="A,B",
        help=f"of {', '.join(KNOWN)}; the first six by default",
    )
    common.add_argument("--engine", choices=list(ENGINES), default="both")
    common.add_argument("--run-id", default="", help="people and addresses differ from run to run")

    generate = commands.add_parser("generate", parents=[common], help="write raw events as NDJSON, and the truth")
    generate.add_argument("--hours", type=float, default=2)
    generate.add_argument("--end", type=datetime.fromisoformat, help="ISO 8601 with its offset; now by default")
    generate.add_argument("--out", type=Path, required=True, help="NDJSON of raw System Log events, sorted by time")
    generate.add_argument("--truth", type=Path, required=True, help="JSON")

    live = commands.add_parser("play", parents=[common], help="index the past at once, and attacks in real time")
    live.add_argument("--url", required=True, help="OpenSearch")
    live.add_argument("--seconds", type=float, default=40, help="over which the attacks are decided")
    live.add_argument("--hours", type=float, default=24, help="of past before them")
    live.add_argument(
        "--truth", type=Path, required=True, help="JSON lines: facts, then each attack once it is indexed"
    )
    return parser


def _families(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in KNOWN]:
        raise argparse.ArgumentTypeError(f"there is no family {', '.join(unknown)}")
    return names


def _generate(options: argparse.Namespace) -> int:
    end = options.end or now()
    traffic = plan(
        seed=options.seed,
        users=options.users,
        start=end - timedelta(hours=options.hours),
        end=end,
        attacks=options.attacks,
        run_id=options.run_id,
        engine=options.engine,
        families=options.families,
    )
    with options.out.open("w") as out:
        out.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in traffic.events)
    options.truth.write_text(json.dumps(traffic.truth_json(), ensure_ascii=False, indent=1) + "\n")
    print(f"{len(traffic.events)} events with {len(traffic.truth)} attacks in {options.out}")
    return 0


def _play(options: argparse.Namespace) -> int:
    run_id = options.run_id or f"{now():%Y%m%d%H%M%S}"
    traffic = plan_live(
        seed=options.seed,
        users=options.users,
        seconds=options.seconds,
        attacks=options.attacks,
        run_id=run_id,
        engine=options.engine,
        families=options.families,
        hours=options.hours,
    )
    with options.truth.open("w") as truth:
        look_alikes = [each.to_json() for each in traffic.look_alikes]
        _tell(truth, {"type": "facts", **traffic.facts(), "events": len(traffic.events), "look_alikes": look_alikes})

        def indexed(attack: Attack, at: datetime) -> None:
            _tell(truth, {"type": "attack", **attack.to_json(), "indexed": written(at)})
            print(f"{written(at)} {attack.story}", flush=True)

        try:
            play(traffic, options.url, indexed=indexed)
        except NotIndexedError as error:
            print(f"not indexed: {error}", file=sys.stderr)
            return 1
        _tell(truth, {"type": "done", "attacks": len(traffic.truth), "at": written(now())})
    return 0


def _tell(file: TextIO, line: dict[str, Any]) -> None:
    file.write(json.dumps(line, ensure_ascii=False) + "\n")
    file.flush()


if __name__ == "__main__":
    sys.exit(main())

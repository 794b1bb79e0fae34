"""What happens in a demo, in order: a world, the portal on it, monitors, then attacks and what becomes of them."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.demo.issues import issues_since
from sandbox.demo.ledger import Alert, Ledger, Ticket, report
from sandbox.demo.portal import Portal
from sandbox.okta.people import PRIVILEGED_GROUPS
from sandbox.okta.places import TRUSTED_ZONES
from sandbox.okta.play import NotIndexedError, plan_live, play
from sandbox.okta.traffic import Traffic, now, plan
from sandbox.okta.truth import Attack
from sandbox.processes import SandboxError
from sandbox.world import World

DETECTIONS = (
    "impossible-travel",
    "brute-force-user",
    "password-spray-source",
    "push-fatigue-success",
    "admin-role-granted",
    "privileged-group-add",
)
EARLY_PARTS = ("postgres", "valkey", "jira")  # within a second; the portal is made ready on them while OpenSearch boots
PAST_HOURS = 24
STORY_HOURS = 6  # of past that comes with each round of attacks, for what began before it
LEAD = timedelta(seconds=3)  # in which a round's own past is indexed
GRACE_SECONDS = 20.0  # beyond two runs of a monitor, for the last tickets


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    once: bool
    as_json: bool
    attacks: int
    users: int
    seed: int
    seconds: float
    interval: int


def main(argv: Sequence[str]) -> int:
    """Run the demo; `argv` is what follows `demo`. The exit code is 0 when everything that was promised came true."""
    options = parse(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end is told to end, whatever the signal
    demo: Demo | None = None
    try:
        demo = Demo(options)
        demo.prepare()
        return demo.once() if options.once else demo.go_on()
    except (SandboxError, NotIndexedError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130 if options.once else 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave servers behind
        if demo is not None:
            demo.stop()


def parse(argv: Sequence[str]) -> Options:
    """Read the command line; what is not said depends on `--once`."""
    parser = argparse.ArgumentParser(prog="manage.py demo", description=(__doc__ or "").partition(":")[2].strip())
    parser.add_argument("--once", action="store_true", help="play one round of attacks to its end and judge it")
    parser.add_argument("--json", action="store_true", help="with --once: print one JSON object, all else to stderr")
    parser.add_argument("--attacks", type=int, help="attacks in a round (42 with --once, else 6)")
    parser.add_argument("--users", type=int, default=200, help="people with an everyday life (200)")
    parser.add_argument("--seed", type=int, default=7, help="of the invented traffic (7)")
    parser.add_argument(
        "--seconds", type=float, help="over which a round's attacks are spread (30 with --once, else 60)"
    )
    parser.add_argument("--interval", type=int, default=10, help="seconds between two runs of a monitor (10)")
    given = parser.parse_args(argv)
    if given.json and not given.once:
        parser.error("--json goes with --once: without it the demo has no end.")
    return Options(
        once=given.once,
        as_json=given.json,
        attacks=given.attacks or (42 if given.once else 6),
        users=given.users,
        seed=given.seed,
        seconds=given.seconds or (30.0 if given.once else 60.0),
        interval=given.interval,
    )


class Demo:
    """One demo, from the first server to the last."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.out = sys.stderr if options.as_json else sys.stdout
        self.began = time.monotonic()
        self.began_at = now()
        self.world = World.of(os.environ, say=self.say)
        self.was_up = any(part.state in ("running", "silent") for part in self.world.status())
        self.ledger = Ledger()
        self.portal = Portal(self.world)

    def say(self, line: str) -> None:
        """Tell the person at the terminal one line, with the seconds since the start."""
        self._write(f"{time.monotonic() - self.began:6.1f}  {line}")

    def prepare(self) -> None:
        """Have everything running, side by side where nothing waits for the other."""
        self.world.up(EARLY_PARTS)
        self._say_replaced()
        self.portal.make_room()
        with ThreadPoolExecutor(2) as pool:
            try:
                indexed = pool.submit(self._fill_the_index)
                self._timed("database migrated", lambda: self.portal.manage("migrate", "-v", "0"))
                users = pool.submit(self.portal.users)
                self._timed("web answers, worker and beat are started", self.portal.start)
                passwords = users.result()
                indexed.result()
                self._timed(f"{len(DETECTIONS)} monitors pushed", self._push)
            except BaseException:
                self.world.cancelled.set()  # nobody needs what still boots
                raise
        self.portal.follow(self._told)
        self._greet(passwords)

    def once(self) -> int:
        """Play one round, wait for the last ticket and a little longer for what must not come, and judge."""
        self._play(self._round(number=1))
        settle = self.options.interval
        complete = self.ledger.wait(2 * self.options.interval + GRACE_SECONDS)
        self.say("every attack has its ticket" if complete else f"{len(self.ledger.open_pairs())} have no ticket")
        time.sleep(settle)  # whatever comes in this time is false or doubled
        self._check_alive()
        found = report(self.ledger, issues_since(self.portal.environ, self.began_at - timedelta(seconds=5)))
        self._print(found)
        return 0 if complete and not found["missed"] and not found["false_alerts"] else 1

    def go_on(self) -> int:
        """Play round after round until somebody ends it."""
        number = 0
        while True:
            number += 1
            self._play(self._round(number))
            self._check_alive()

    def stop(self) -> None:
        """Stop what this demo started. A world that was up before stays up."""
        self.portal.stop()
        if self.was_up:
            self.say("the world was up before this demo and stays up: `manage.py sandbox down` stops it")
        else:
            self.world.down()

    def _fill_the_index(self) -> None:
        """Have OpenSearch running with a day of everyday events in it."""
        self.world.up()
        options, end = self.options, now()
        past = plan(
            seed=options.seed, users=options.users, start=end - timedelta(hours=PAST_HOURS), end=end, attacks=0,
            run_id=f"{end:%Y%m%d%H%M%S}-past",
        )  # fmt: skip
        self.ledger.expect(past.events, ())
        play(past, self._index_url(), indexed=lambda *_: None)
        self.say(f"{len(past.events)} events of the last {PAST_HOURS} hours indexed")

    def _push(self) -> None:
        params = {"groups": [group_id for group_id, _ in PRIVILEGED_GROUPS], "trusted_zones": TRUSTED_ZONES}
        self.portal.manage("okta", "template")
        self.portal.push_monitors(DETECTIONS, self.options.interval, params)

    def _round(self, number: int) -> Traffic:
        options = self.options
        traffic = plan_live(
            seed=options.seed, users=options.users if number == 1 else 20, seconds=options.seconds,
            attacks=options.attacks, run_id=f"{now():%Y%m%d%H%M%S}", hours=STORY_HOURS, lead=LEAD,
        )  # fmt: skip
        self.ledger.expect(traffic.events, traffic.truth)
        return traffic

    def _play(self, traffic: Traffic) -> None:
        self.say(f"{len(traffic.truth)} attacks over {self.options.seconds:.0f} s, among {len(traffic.events)} events")

        def indexed(attack: Attack, at: datetime) -> None:
            self.ledger.take_indexed(attack, at)
            self.say(f"attack      {attack.story}")

        play(traffic, self._index_url(), indexed=indexed)

    def _told(self, fact: dict[str, Any]) -> None:
        """Print an alert or a ticket of this demo, from the follower's thread."""
        told = self.ledger.take(fact)
        if isinstance(told, Alert):
            self.say(f"A-{told.id:<9} severity {told.severity}: {told.sentence}")
        elif isinstance(told, Ticket):
            seconds = self.ledger.seconds_from_event(told)
            after = "" if seconds is None else f", {seconds:.1f} s after the event"
            posted = (
                "" if told.seconds_from_post is None else f", {told.seconds_from_post:.1f} s after OpenSearch told it"
            )
            self.say(f"{told.key:<11} for A-{told.alert}{after}{posted}: {told.url}")

    def _check_alive(self) -> None:
        dead = self.portal.dead()
        if dead:
            raise SandboxError(f"{', '.join(dead)} ended by itself: read the logs in {self.world.paths.logs}.")

    def _timed(self, what: str, act: Callable[[], object]) -> None:
        began = time.monotonic()
        act()
        self.say(f"{what} ({time.monotonic() - began:.1f} s)")

    def _say_replaced(self) -> None:
        for part in sorted(self.world.replaced()):
            self.say(f"{part}: the real one is used")
        if "alerting" in self.world.replaced():
            self.say(
                f"OpenSearch will post to {self.portal.environ['OKTADETECT_WEBHOOK_URL']}: it has to reach that address"
            )

    def _greet(self, passwords: dict[str, str]) -> None:
        environ = self.portal.environ
        rows = [("portal", self.portal.url), ("Jira", environ["JIRA_URL"]), ("OpenSearch", environ["OPENSEARCH_URL"])]
        rows += [(name, f"password {password}") for name, password in passwords.items()]
        self.say("ready")
        for name, value in rows:
            self._write(f"        {name:<11} {value}")
        if not self.options.once:
            self._write("        Ctrl-C ends it.")

    def _write(self, line: str) -> None:
        """Write a line in one piece: several threads tell what happens."""
        self.out.write(f"{line}\n")
        self.out.flush()

    def _print(self, found: dict[str, Any]) -> None:
        if self.options.as_json:
            print(json.dumps(found))
            return
        for name, value in found.items():
            self.say(f"{name.replace('_', ' ')}: {json.dumps(value, ensure_ascii=False)}")

    def _index_url(self) -> str:
        """Where events go: to the node itself in a sandbox, since the stand-in before it only adds work."""
        environ = self.portal.environ
        return environ.get("SANDBOX_OPENSEARCH_NODE_URL") or environ["OPENSEARCH_URL"]

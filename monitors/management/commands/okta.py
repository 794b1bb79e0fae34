"""Okta's events from the shell: the index template, what an index and the cluster can serve, and loading files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from core import clock
from monitors import geoip, ingest, opensearch
from monitors.errors import MonitorsError
from monitors.models import find_detection
from monitors.services import cluster, events, profiles

BULK_EVENTS = 500


class Command(BaseCommand):
    """`okta template`, `okta check-index [PATTERN]`, `okta check-cluster`, `okta load FILE…`."""

    help = "Installs the index template for Okta events, says what an index can serve, and loads System Log events from files."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one of the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("template", help=f"install the index template {ingest.TEMPLATE_NAME}")
        check = verbs.add_parser(
            "check-index", help="how an index lays out Okta's fields, and which detections it can serve"
        )
        check.add_argument("pattern", nargs="?", default=settings.OKTADETECT_INDEX_PATTERN)
        check.add_argument("--json", action="store_true")
        verbs.add_parser("check-cluster", help="whether the cluster's settings let every monitor run, and what to set")
        load = verbs.add_parser("load", help="index NDJSON files of raw System Log events")
        load.add_argument("files", nargs="+", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        try:
            if options["verb"] == "template":
                opensearch.put_index_template(ingest.TEMPLATE_NAME, ingest.load_template())
                self.stdout.write(f"The index template {ingest.TEMPLATE_NAME} is in place.")
            elif options["verb"] == "check-index":
                self._check(options["pattern"], as_json=options["json"])
            elif options["verb"] == "check-cluster":
                self._check_cluster()
            else:
                self._load(options["files"])
        except (MonitorsError, OSError) as error:
            raise CommandError(str(error)) from error

    def _check(self, pattern: str, *, as_json: bool) -> None:
        profiles.learn(pattern)
        read = events.read(pattern)
        profile, held = read.profile(), set(read.event_types)
        counted = profiles.sample(pattern, profile)
        rows = profiles.serving(profile, held)
        if as_json:
            told = {
                "profile": profile.to_json(),
                "event_types": sorted(held),
                "sample": counted,
                "detections": [vars(row) for row in rows],
            }
            self.stdout.write(json.dumps(told))
            return
        where = "a geo_point" if profile.point else "two floats" if profile.lat else "missing"
        kind = "ECS" if profile.ecs else f"behind {profile.prefix}" if profile.prefix else "Okta's own names"
        self.stdout.write(f"{pattern}: {kind}, {len(profile.names)} of Okta's fields found, places are {where}.")
        engine = events.engine(held)
        seems = f" The tenant seems to be on {engine}." if engine else ""
        self.stdout.write(f"{len(held)} event types in {events.DAYS} days; {counted['events']} events sampled.{seems}")
        for name in profile.conflicts:
            self.stdout.write(f"  {name} has two types on different days: searches over both may miss one.")
        for row in rows:
            if row.lacks:
                self.stdout.write(f"  cannot serve {row.detection}: lacks {', '.join(row.lacks)}")
            elif (need := events.need(find_detection(row.detection), read)).blind:
                self.stdout.write(f"  blind: {row.detection}. {need.sentences(pattern)[0]}")
        for name, day in events.stopped(read).items():
            self.stdout.write(f"  {name} came regularly until {day}, and not since.")
        for hour in read.event_gaps:
            self.stdout.write(f"  no event in the hour from {hour[:16]}, while its neighbours were busy.")
        served = sum(not row.lacks for row in rows)
        self.stdout.write(f"{served} of {len(rows)} detections can be served.")

    def _check_cluster(self) -> None:
        lacking = cluster.check()
        if not lacking:
            self.stdout.write("The cluster's settings let every monitor run.")
            return
        for one in lacking:
            self.stdout.write(str(one))
        if wanted := {one.setting: one.value for one in lacking if one.value is not None}:
            self.stdout.write(f"PUT _cluster/settings {json.dumps({'persistent': wanted})}")
        raise CommandError(f"{len(lacking)} settings would make monitors fail.")

    def _load(self, files: list[Path]) -> None:
        total = sum(file.stat().st_size for file in files)
        places = geoip.reader(settings.OKTADETECT_GEOIP_FILE)
        loaded = refused = 0
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("loading", total=total)
            for file in files:
                batch: list[str] = []
                for number, line in _lines(file):
                    progress.advance(bar, len(line) + 1)
                    batch += self._document(file, number, line, places)
                    if len(batch) >= 2 * BULK_EVENTS:
                        loaded, refused = self._send(batch, loaded, refused)
                        batch = []
                loaded, refused = self._send(batch, loaded, refused)
        self.stdout.write(f"{loaded} events indexed, {refused} refused.")
        if refused:
            raise CommandError(f"{refused} events were refused; the first reasons stand above.")

    def _document(self, file: Path, number: int, line: bytes, places: geoip.Places | None) -> list[str]:
        try:
            event = json.loads(line)
        except ValueError as error:
            raise CommandError(f"{file}:{number} is no JSON: {error}") from error
        if not isinstance(event, dict):
            raise CommandError(f"{file}:{number} is no event but {type(event).__name__}.")
        document = ingest.prepare(geoip.filled(event, places) if places else event, received=clock.now())
        action = {"index": {"_index": document.index, "_id": document.id}}
        return [json.dumps(action), json.dumps(document.source, ensure_ascii=False)]

    def _send(self, batch: list[str], loaded: int, refused: int) -> tuple[int, int]:
        if not batch:
            return loaded, refused
        answer = opensearch.call("POST", "/_bulk", body="\n".join(batch) + "\n", timeout=60)
        errors = [item["index"] for item in answer["items"] if item["index"].get("error")]
        for one in errors[:3]:
            self.stderr.write(f"{one.get('_id')}: {one['error'].get('reason')}")
        return loaded + len(answer["items"]) - len(errors), refused + len(errors)


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    with file.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if line.strip():
                yield number, line

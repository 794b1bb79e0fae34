"""Monitors from the shell: what monitors' own command does, and rehearsals, which need what alerts know."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from alerts.models import Rehearsal
from alerts.services import rehearsal
from alerts.services.rehearsal import RehearsalRefused
from monitors.management.commands import monitors
from monitors.models import Monitor

LOOK_SECONDS = 2.0


class Command(monitors.Command):
    """`monitors rehearse [NAME…]`, and the verbs of `monitors.management.commands.monitors`."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one of the verbs."""
        super().add_arguments(parser)
        verbs = next(one for one in parser._actions if one.dest == "verb")
        play = verbs.add_parser("rehearse", help="send monitors' own test events the whole way, and clean up")  # type: ignore[attr-defined]
        play.add_argument("names", nargs="*", help="names of monitors; none for all that run")
        play.add_argument("--no-wait", action="store_true", help="begin them, and leave the rest to the workers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        if options["verb"] == "rehearse":
            self._rehearse(options)
        else:
            super().handle(*args, **options)

    def _rehearse(self, options: dict[str, Any]) -> None:
        """Begin all, then follow them. What is advanced here and by a worker at once is done once."""
        rows, refused = [], 0
        for monitor in self._running(options["names"]):
            try:
                rows.append(rehearsal.start(monitor, by="command"))
            except RehearsalRefused as error:
                refused += 1
                self.stderr.write(str(error))
        if options["no_wait"]:
            self.stdout.write(f"{len(rows)} rehearsals begun.")
            return
        failed = sum(not self._follow(row) for row in rows)
        if failed or refused:
            raise CommandError(f"{failed} rehearsals failed, {refused} could not begin.")

    def _running(self, names: list[str]) -> list[Monitor]:
        if not names:
            return list(
                Monitor.objects.filter(enabled=True).exclude(deployment__opensearch_id="").exclude(detection="")
            )
        found = list(Monitor.objects.filter(name__in=names))
        if missing := set(names) - {monitor.name for monitor in found}:
            raise CommandError(f"There is no monitor {', '.join(sorted(missing))}.")
        return found

    def _follow(self, row: Rehearsal) -> bool:
        """Advance one until it is over and cleaned up; return whether every stage came."""
        while True:
            rehearsal.advance(str(row.pk))
            row.refresh_from_db()
            if row.is_over:
                break
            time.sleep(LOOK_SECONDS)
        began = row.indexed_at
        stages = [
            f"{words.lower()} {(at - began).total_seconds():.1f} s" for _, words, at in row.stages() if at and began
        ]
        self.stdout.write(f"{row.monitor}: {row.get_state_display().lower()}. {', '.join(stages)}. {row.error}".strip())
        return row.state == "done"

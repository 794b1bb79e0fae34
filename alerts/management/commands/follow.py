"""Watch alerts and tickets as they happen."""

import json
import time
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from alerts.choices import OperationKind, OperationState
from alerts.models import Alert, Delivery, TicketOperation

EVERY_SECONDS = 0.25


class Command(BaseCommand):
    """`follow [--json] [--after ID]` prints each new alert and each new ticket, until it is stopped."""

    help = "Prints each alert and each ticket as it happens. Ctrl-C ends it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form of the lines, and from where on."""
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument("--after", type=int, help="show alerts with a higher id; the newest one without it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask every quarter of a second; two short queries each time."""
        newest = Alert.objects.order_by("-id").first()
        after = options["after"] if options["after"] is not None else newest.pk if newest else 0
        owing: set[int] = set()
        try:
            while True:
                for alert in Alert.objects.filter(pk__gt=after).order_by("pk"):
                    after = alert.pk
                    owing.add(alert.pk)
                    self._say(options["json"], kind="alert", **_alert(alert))
                for operation in _tickets(owing):
                    owing.discard(operation.alert_id or 0)
                    self._say(options["json"], kind="ticket", **_ticket(operation))
                time.sleep(EVERY_SECONDS)
        except KeyboardInterrupt:
            return

    def _say(self, as_json: bool, **fields: Any) -> None:
        if as_json:
            line = json.dumps(fields)
        elif fields["kind"] == "alert":
            line = f"A-{fields['alert']}  severity {fields['severity']}  {fields['sentence']}"
        else:
            line = f"A-{fields['alert']}  {fields['key']}  {fields['seconds_from_post']} s after its delivery"
        self.stdout.write(line)
        self.stdout.flush()


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.pk,
        "detection": alert.detection_id or alert.detection,
        "entity_type": alert.entity_type,
        "entity": alert.entity_id,
        "name": alert.entity_name,
        "severity": alert.severity,
        "sentence": alert.sentence,
        "opened_at": alert.created_at.isoformat(),
    }


def _tickets(owing: set[int]) -> list[TicketOperation]:
    rows = TicketOperation.objects.filter(alert_id__in=owing, kind=OperationKind.CREATE, state=OperationState.DONE)
    return list(rows.select_related("case__ticket"))


def _ticket(operation: TicketOperation) -> dict[str, Any]:
    done = operation.done_at
    posted = _posted_at(operation)
    return {
        "alert": operation.alert_id,
        "key": operation.case.ticket.key,
        "url": operation.case.ticket.url,
        "created_at": done.isoformat() if done else None,
        "posted_at": posted.isoformat() if posted else None,
        "seconds_from_post": round((done - posted).total_seconds(), 3) if done and posted else None,
    }


def _posted_at(operation: TicketOperation) -> datetime | None:
    """Return when the delivery arrived that opened the alert; None for one that catch-up found."""
    first = operation.alert.occurrences.order_by("id").first() if operation.alert else None
    delivery = Delivery.objects.filter(pk=first.delivery).first() if first and first.delivery else None
    return delivery.received_at if delivery else None

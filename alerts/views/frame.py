"""What every page shows around its content."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from alerts import querysets
from alerts.choices import DeliveryStatus, OperationState
from alerts.models import Alert, Delivery, JiraGate, TicketOperation
from alerts.ticketing import gate
from core import clock
from core.queries import Prepared, Written, one_row, written
from monitors.models import Deployment

NOT_TAKEN_UP = timedelta(minutes=2)  # a worker takes a delivery up at once, and the sweep each 15 s what it missed
TROUBLED = (OperationState.WAITING, OperationState.UNKNOWN, OperationState.FAILED)


@dataclass(frozen=True)
class Trouble:
    """A part that is down, since when, in words; how to mend it, and the address where one sees more."""

    since: datetime
    words: str
    fix: str
    to: str


@dataclass(frozen=True)
class Pulse:
    """
    Whether alerts get in and tickets out: when a monitor was last heard, and what is in the way. Counts end at COUNT_LIMIT + 1.

    `is_silent` says that no monitor at all sends its signs of life; `waits_since` since when the oldest delivery lies that no
    worker took up.
    """

    heard_at: datetime | None
    monitors: int
    faults: int
    quarantined: int
    tickets_late: int
    new_alerts: int
    jira_away: JiraGate | None = None
    is_silent: bool = False
    waits_since: datetime | None = None

    @property
    def jira_away_since(self) -> datetime | None:
        """Since when nothing reaches Jira; None while it does."""
        return self.jira_away.open_since if self.jira_away else None

    @property
    def is_well(self) -> bool:
        """Whether nothing is in the way."""
        late = self.faults or self.quarantined or self.tickets_late or self.jira_away_since
        return not (late or self.is_silent or self.waits_since)

    @property
    def troubles(self) -> list[Trouble]:
        """The parts that are down, what sees nothing first."""
        found = []
        if self.is_silent and self.heard_at:
            words = "No monitor is heard: what happens in Okta now shows no alert here"
            fix = (
                "See that OpenSearch runs and reaches this server. What is missed is caught up by itself once it does."
            )
            found.append(Trouble(self.heard_at, words, fix, reverse("monitors:monitors")))
        if self.waits_since:
            words = "Deliveries wait and nothing takes them up: new alerts do not show"
            fix = "Start the worker and its beat. What was posted is kept and will be worked in its order."
            found.append(Trouble(self.waits_since, words, fix, reverse("alerts:pipeline")))
        if self.jira_away_since:
            words = "Jira does not answer: tickets wait"
            fix = "Alerts come in as ever, and the tickets follow by themselves. See what Jira said, and ask it now."
            found.append(Trouble(self.jira_away_since, words, fix, reverse("alerts:jira")))
        return found


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the pulse, read when a template first asks for it, the chosen theme, and what can be undone yet."""
    theme = request.COOKIES.get("theme", "")
    return {
        "pulse": SimpleLazyObject(pulse),
        "theme": theme if theme in {"light", "dark"} else "",
        "undo": undo(request),
    }


def undo(request: HttpRequest) -> dict[str, Any] | None:
    """Return the reader's last decision while it can be undone: what was said, where to undo it, and until when."""
    session = getattr(request, "session", None)
    offer = session.get("undo") if session else None
    return offer if offer and datetime.fromisoformat(offer["until"]) > clock.now() else None


def _state(now: datetime, long_ago: datetime) -> Written:
    """Return the SQL of what the pulse tells, in one row. `long_ago` is since when a delivery must have been taken up."""
    ours = Q(monitor__enabled=True, monitor__kept__isnull=True)  # others send no heartbeat
    heard = Deployment.objects.order_by().values(all=Value(1)).annotate(
        at=Max("heard_at"), count=Count("pk"), faults=Count("pk", filter=~Q(fault="")),
        ours=Max("heard_at", filter=ours), interval=Min("monitor__interval_seconds", filter=ours),
    )  # fmt: skip
    untouched = Delivery.objects.filter(status=DeliveryStatus.RECEIVED, attempts=0, received_at__lt=long_ago)
    oldest = untouched.order_by().values(all=Value(1)).annotate(at=Min("received_at"))
    return one_row(
        [
            written(heard.values_list("at", "count", "faults", "ours", "interval")),
            written(oldest.values_list("at")),
            querysets.counting(Delivery.objects.filter(status=DeliveryStatus.QUARANTINED)),
            querysets.counting(TicketOperation.objects.filter(state__in=TROUBLED).exclude(last_error="")),
            querysets.counting(querysets.in_tab(Alert.objects.all(), "new", user_id=0, now=now)),  # everybody's
        ]
    )


STATE = Prepared(_state, now=datetime(1, 1, 1, tzinfo=UTC), long_ago=datetime(1, 1, 2, tzinfo=UTC))


def pulse() -> Pulse:
    """Read the pulse: two short queries."""
    now = clock.now()
    [row] = STATE.rows(now=now, long_ago=now - NOT_TAKEN_UP)
    heard_at, monitors, faults, ours_at, interval, waits_since, quarantined, tickets_late, new_alerts = row
    return Pulse(
        heard_at=heard_at,
        monitors=monitors,
        faults=faults,
        quarantined=quarantined,
        tickets_late=tickets_late,
        jira_away=gate.broken(),
        new_alerts=new_alerts,
        is_silent=bool(ours_at and now - ours_at > _overdue_after(interval)),
        waits_since=waits_since,
    )


def _overdue_after(interval: int) -> timedelta:
    """Return how long all may be silent: as long as `Deployment.heartbeat_overdue_after` gives the one that runs most often."""
    return timedelta(seconds=2 * settings.OKTADETECT_HEARTBEAT_SECONDS + interval)

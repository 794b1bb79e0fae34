"""What every page shows around its content."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from alerts import querysets
from alerts.choices import DeliveryStatus, OperationState
from alerts.models import Alert, Delivery, JiraGate, TicketOperation
from alerts.ticketing import gate
from core import clock
from monitors.models import Deployment

TROUBLED = (OperationState.WAITING, OperationState.UNKNOWN, OperationState.FAILED)


@dataclass(frozen=True)
class Pulse:
    """Whether alerts get in and tickets out: when a monitor was last heard, and what is in the way. Counts end at COUNT_LIMIT + 1."""

    heard_at: datetime | None
    monitors: int
    faults: int
    quarantined: int
    tickets_late: int
    new_alerts: int
    jira_away: JiraGate | None = None

    @property
    def jira_away_since(self) -> datetime | None:
        """Since when nothing reaches Jira; None while it does."""
        return self.jira_away.open_since if self.jira_away else None

    @property
    def is_well(self) -> bool:
        """Whether nothing is in the way."""
        return not (self.faults or self.quarantined or self.tickets_late or self.jira_away_since)


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


def pulse() -> Pulse:
    """Read the pulse: five short queries."""
    heard = Deployment.objects.aggregate(at=Max("heard_at"), count=Count("pk"), faults=Count("pk", filter=~Q(fault="")))
    limit = querysets.COUNT_LIMIT + 1
    return Pulse(
        heard_at=heard["at"],
        monitors=heard["count"],
        faults=heard["faults"],
        quarantined=Delivery.objects.filter(status=DeliveryStatus.QUARANTINED)[:limit].count(),
        tickets_late=TicketOperation.objects.filter(state__in=TROUBLED)
        .exclude(last_error="")
        .order_by()[:limit]
        .count(),
        jira_away=gate.broken(),
        new_alerts=querysets.capped_count(
            querysets.in_tab(Alert.objects.all(), "new", user_id=0, now=clock.now())  # the same for everybody
        ),
    )

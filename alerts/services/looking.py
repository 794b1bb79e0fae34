"""Who else is looking at an alert: rows that count for seconds."""

from datetime import timedelta

from alerts.models import Looking
from core import clock
from core.models import Person

STILL = timedelta(seconds=40)  # the page says so every 15 s; one that was missed is no goodbye


def look(alert_id: int, person: Person) -> list[str]:
    """Note that this person looks now; return the names of the others who do, in alphabetical order."""
    now = clock.now()
    Looking.objects.filter(alert=alert_id, at__lt=now - STILL).delete()
    Looking.objects.update_or_create(alert_id=alert_id, person=person, defaults={"at": now})
    others = Looking.objects.filter(alert=alert_id).exclude(person=person)
    return list(others.order_by("person__name").values_list("person__name", flat=True))

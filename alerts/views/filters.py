"""What an address asks of the queue, read and answered the same way by its page, its bulk decisions and its kept views."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict

from alerts import querysets
from alerts.choices import Status, Verdict
from alerts.models import Alert
from core import clock
from monitors.definitions import SEVERITIES

BIGGEST_ID = 2**63 - 1
MAX_LEFT_OUT = 10
PERIODS = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}
SPANS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
ASKED = ("severity", "detection", "status", "verdict", "assignee", "country", "time", "entity")
OF_A_PAGE = ("before", "after")


class QueueFilter(forms.Form):
    """What an address may ask of the queue. A value that makes no sense is said and left out; the others hold."""

    tab = forms.ChoiceField(choices=list(querysets.TABS.items()), required=False)
    severity = forms.TypedChoiceField(choices=list(SEVERITIES.items()), coerce=int, empty_value=None, required=False)
    detection = forms.CharField(max_length=120, required=False)
    status = forms.ChoiceField(choices=Status.choices, required=False)
    verdict = forms.ChoiceField(choices=Verdict.choices, required=False)
    assignee = forms.CharField(max_length=150, required=False)
    country = forms.CharField(max_length=80, required=False)
    time = forms.ChoiceField(choices=list(PERIODS.items()), required=False)
    entity = forms.CharField(max_length=200, required=False)
    before = forms.IntegerField(min_value=1, max_value=BIGGEST_ID, required=False)
    after = forms.IntegerField(min_value=0, max_value=BIGGEST_ID, required=False)


@dataclass(frozen=True)
class LeftOut:
    """A value that is filtered out: `not=field:value` in the address. `query` is the address without it."""

    field: str
    value: str
    query: str


@dataclass(frozen=True)
class Asked:
    """An address, understood."""

    form: QueueFilter
    wanted: dict[str, Any]
    tab: str
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def is_filtered(self) -> bool:
        """Whether it asks for less than its whole tab."""
        return bool(self.left_out) or any(self.wanted.get(name) for name in ASKED)

    def alerts(self, user_id: int) -> QuerySet[Alert]:
        """Return all that match, in no order."""
        now = clock.now()
        alerts = querysets.in_tab(Alert.objects.all(), self.tab, user_id=user_id, now=now)
        for name in ("severity", "detection", "status", "verdict"):
            if self.wanted.get(name):
                alerts = alerts.filter(**{name: self.wanted[name]})
        if self.wanted.get("country"):
            alerts = alerts.filter(countries__contains=[self.wanted["country"]])
        if self.wanted.get("time"):
            alerts = alerts.filter(last_seen__gte=now - SPANS[self.wanted["time"]])
        if self.wanted.get("assignee"):
            who = self.wanted["assignee"]
            alerts = alerts.filter(Q(assignee=None) if who == "nobody" else Q(assignee__user__username=who))
        for one in self.left_out:
            alerts = querysets.left_out(alerts, one.field, one.value)
        return querysets.about(alerts, self.wanted["entity"]) if self.wanted.get("entity") else alerts


def asked(address: QueryDict) -> Asked:
    """Understand an address."""
    form = QueueFilter(address)
    form.is_valid()
    values = list(dict.fromkeys(address.getlist("not")))[:MAX_LEFT_OUT]
    pairs = [(value, *value.partition(":")[::2]) for value in values if "\x00" not in value]
    left_out = [
        LeftOut(name, said, _without(address, value))
        for value, name, said in pairs
        if name in querysets.NARROWS and said
    ]
    return Asked(form, form.cleaned_data, form.cleaned_data.get("tab") or "new", left_out)


def cleaned(address: QueryDict) -> str:
    """Return the address as a view keeps it: only what was understood, without the page it is on."""
    understood = asked(address)
    kept = QueryDict(mutable=True)
    for name in ("tab", *ASKED):
        if understood.wanted.get(name):
            kept[name] = str(understood.wanted[name])
    kept.setlist("not", [f"{one.field}:{one.value}" for one in understood.left_out])
    return kept.urlencode()


def _without(address: QueryDict, value: str) -> str:
    rest = address.copy()
    rest.setlist("not", [other for other in address.getlist("not") if other != value])
    for name in OF_A_PAGE:
        rest.pop(name, None)
    return rest.urlencode()

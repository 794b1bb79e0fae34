"""Which pages are measured, and with what: addresses of the portal over the rows that `bench.million` writes."""
# ruff: noqa: E501 - a column, or a case, reads best on one line

from urllib.parse import urlencode

from bench.million import BUSY_ADDRESS, BUSY_USER
from bench.portal import QUEUE_GOAL, Page

TABS = ("new", "mine", "progress", "snoozed", "closed", "all")


def every() -> list[Page]:
    """Return every page that a person waits for, each in the cases that differ in what they cost."""
    return [*_queue(), *_alerts(), *_entities(), *_others(), *_admin()]


def _queue() -> list[Page]:
    from alerts.models import Alert, Ticket

    middle = Alert.objects.filter(pk__gte=Alert.objects.order_by("-pk").values("pk")[:1][0]["pk"] // 2).order_by("pk")[
        0
    ]
    newest = Alert.objects.order_by("-pk")[0]
    ticket = Ticket.objects.order_by("-pk")[0]
    texts = {
        "a rare word": "okafor4", "nobody": "zzzznobody", "a common word": "sign-ins", "one letter": "a", "two letters": "zz",
        "a letter that nothing has": "ß", "a login": middle.entity_name, "a user's id": middle.entity_id, "the busiest address": BUSY_ADDRESS,
        "the busiest user": BUSY_USER, "the busiest login": "anna.berg0@example.com", "a ticket": ticket.key, "two words": "pushes of anna",
        "a country in sentences": "from Kenya", "every login": "example",
    }  # fmt: skip
    filters = {
        "critical": {"severity": "1"}, "a busy detection": {"detection": _detection(0)}, "a rare detection": {"detection": _detection(-1)},
        "Germany": {"country": "Germany"}, "Kenya": {"country": "Kenya"}, "a country that nothing has": {"country": "Chad"},
        "acknowledged": {"status": "acknowledged"}, "true positives": {"verdict": "true_positive"}, "last hour": {"time": "1h"},
        "last 24 hours": {"time": "24h"}, "last 30 days": {"time": "30d"}, "of one person": {"assignee": "analyst3"}, "of nobody": {"assignee": "nobody"},
        "without a detection": {"not": f"detection:{_detection(0)}"}, "without a country": {"not": "country:Germany"},
        "without an entity": {"not": f"entity:{BUSY_USER}"}, "critical, Kenya, true positive": {"severity": "1", "country": "Kenya", "verdict": "true_positive"},
        "the busiest user": {"entity": BUSY_USER}, "the busiest address": {"address": BUSY_ADDRESS}, "an ordinary user": {"entity": middle.entity_id},
        "an address that nothing has": {"address": "192.0.2.1"}, "a busy country's address": {"address": BUSY_ADDRESS, "severity": "1"},
        "critical in the last hour": {"severity": "1", "time": "1h"},
    }  # fmt: skip
    asked: list[tuple[str, dict[str, str]]] = [(f"tab {tab}", {"tab": tab}) for tab in TABS]
    asked += [(f"{tab}: {words}", {"tab": tab, **query}) for words, query in filters.items() for tab in ("new", "all")]
    asked += [
        (f"{tab}: text, {words}", {"tab": tab, "q": text}) for words, text in texts.items() for tab in ("new", "all")
    ]
    asked += [
        (f"{tab}: by {group}", {"tab": tab, "group": group})
        for group in ("entity", "address", "detection")
        for tab in ("new", "all")
    ]
    asked += [
        ("all: from the middle", {"tab": "all", "before": str(middle.pk)}),
        ("closed: from near the end", {"tab": "closed", "before": "1000"}),
        ("all: a common word, from the middle", {"tab": "all", "q": "sign-ins", "before": str(middle.pk)}),
        ("new: choose all", {"tab": "new", "all": "1"}),
        ("closed: choose all", {"tab": "closed", "all": "1"}),
    ]
    pages = [Page(f"queue, {words}", f"/?{urlencode(query)}", QUEUE_GOAL) for words, query in asked]
    newer = [
        Page("queue, newer than the page", f"/newer/?tab=new&after={newest.pk - 5}", QUEUE_GOAL),
        Page("queue, newer with a text", f"/newer/?tab=all&q=sign-ins&after={newest.pk - 5}", QUEUE_GOAL),
        Page("queue, preview", f"/alerts/{newest.pk}/preview/", QUEUE_GOAL),
        Page("palette", "/palette/?q=anna", part=True),
    ]
    return [*pages, *newer]


def _detection(place: int) -> str:
    """Return a detection's title, the one with most alerts first."""
    from monitors.models import every_detection

    return every_detection()[place].title[:120]


def _alerts() -> list[Page]:
    from alerts.models import Alert

    found = Alert.objects.order_by("-pk")
    ordinary = found.exclude(entity_id__in=[BUSY_USER, BUSY_ADDRESS])[0].pk
    busy = found.filter(entity_type="user", entity_id=BUSY_USER)
    address = found.filter(entity_type="ip", entity_id=BUSY_ADDRESS)
    seen_often = found.filter(occurrence_count=20)[0].pk
    return [
        Page("alert, ordinary", f"/alerts/{ordinary}/"),
        Page("alert of the busiest user", f"/alerts/{busy[0].pk}/"),
        Page("alert of the busiest user, the oldest", f"/alerts/{busy.reverse()[0].pk}/"),
        Page("alert of the busiest address", f"/alerts/{address[0].pk}/"),
        Page("alert of the busiest address, from the middle", f"/alerts/{address[address.count() // 2].pk}/"),
        Page("alert seen 20 times", f"/alerts/{seen_often}/"),
        Page("alert, closing it", f"/alerts/{_open()}/close/"),
        Page("alert, its case", f"/alerts/{ordinary}/case/"),
        Page("alert, who takes it", f"/alerts/{_open()}/assign/"),
        Page("alert, snoozing it", f"/alerts/{_open()}/snooze/"),
    ]


def _open() -> int:
    from alerts.models import Alert

    return Alert.objects.exclude(status="closed").order_by("-pk")[0].pk


def _entities() -> list[Page]:
    from alerts.models import Entity

    user = Entity.objects.filter(kind="user").order_by("-pk")[100]
    session = Entity.objects.filter(kind="session").order_by("-pk")[0]
    asked = {
        "first page": {}, "addresses": {"kind": "ip"}, "a login": {"q": user.name}, "a part of a login": {"q": "okafor4"}, "nobody": {"q": "zzzznobody"},
        "one letter": {"q": "a"}, "a letter that nothing has": {"q": "ß"}, "what all have": {"q": "example"}, "a part of an address": {"q": "203.0.1"},
    }  # fmt: skip
    index = [Page(f"entities, {words}", f"/entities/?{urlencode(query)}") for words, query in asked.items()]
    return [
        *index,
        Page("entity, an ordinary user", f"/entities/user/{user.value}/"),
        Page("entity, the busiest user", f"/entities/user/{BUSY_USER}/"),
        Page("entity, the busiest user, older alerts", f"/entities/user/{BUSY_USER}/?before=300000"),
        Page("entity, the busiest address", f"/entities/ip/{BUSY_ADDRESS}/"),
        Page("entity, a session", f"/entities/session/{session.value}/"),
        Page("entity, one that nothing names", "/entities/ip/192.0.2.1/"),
    ]


def _others() -> list[Page]:
    from alerts.models import Alert, Delivery
    from monitors.models import Monitor

    delivery, monitor = Delivery.objects.order_by("-pk")[0].pk, Monitor.objects.order_by("pk")[0].pk
    alert = Alert.objects.order_by("-pk")[0]
    return [
        Page("measures, 90 days", "/measures/"),
        Page("measures, 7 days", "/measures/?days=7"),
        Page("measures, 365 days", "/measures/?days=365"),
        Page("measures, as a file", "/measures/?format=csv"),
        Page("cases", "/cases/"),
        Page("cases, all", "/cases/?tab=all"),
        Page("cases of the busiest user", f"/cases/?tab=all&entity={BUSY_USER}"),
        Page("case", f"/cases/{alert.case_id}/"),
        Page("suppressions", "/suppressions/"),
        Page("suppression, a new one", f"/suppressions/new/?alert={alert.pk}"),
        Page("first run", "/first-run/"),
        Page("tokens", "/account/tokens/"),
        Page("monitors", "/monitors/"),
        Page("coverage", "/coverage/"),
        Page("coverage, as a table", "/coverage/table.csv"),
        Page("coverage, as a layer", "/coverage/layer.json"),
        Page("pipeline", "/pipeline/"),
        Page("pipeline, in quarantine", "/pipeline/?status=quarantined"),
        Page("pipeline, not worked yet", "/pipeline/?status=received"),
        Page("pipeline, Jira", "/pipeline/jira/"),
        Page("delivery", f"/pipeline/deliveries/{delivery}/"),
        Page("monitor, its tickets", f"/monitors/{monitor}/tickets/"),
        Page("monitor, rehearse it", f"/monitors/{monitor}/rehearse/"),
        Page("surveys", "/surveys/"),
    ]


def _admin() -> list[Page]:
    found = {
        "admin": "", "admin, history": "core/activity/", "admin, people": "core/person/", "admin, monitors": "monitors/monitor/",
        "admin, exclusions": "monitors/exclusion/", "admin, sources": "alerts/source/", "admin, history of one alert": "core/activity/?q=12345",
    }  # fmt: skip
    return [Page(words, f"/admin/{path}", staff=True) for words, path in found.items()]

"""History in words: one sentence for each action that the services write."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from alerts.choices import OperationKind, Verdict
from alerts.models import ApiToken, Comment
from alerts.templatetags.portal import exactly
from alerts.views import jira_words, suppression_words
from core.models import Activity, Person
from monitors.definitions import SEVERITIES


@dataclass(frozen=True)
class Line:
    """What was done, when and by whom; `detail` is what somebody or something said with it, `comment` a comment's own words."""

    at: datetime
    who: str
    words: str
    detail: str = ""
    comment: Comment | None = None


Names = Mapping[str, str]


def lines(rows: Iterable[Activity]) -> list[Line]:
    """Return history lines in the order of the rows: one query for the names of people, one each for comments and tokens."""
    rows = list(rows)
    names = _names(rows)
    said = [row.data["comment"] for row in rows if row.action == "comment.added"]
    comments = Comment.objects.in_bulk(said) if said else {}
    tokens = _tokens(rows)
    return [_line(row, names, comments, tokens) for row in rows]


def _line(row: Activity, names: Names, comments: Mapping[int, Comment], tokens: Mapping[int, str]) -> Line:
    who = names.get(str(row.person), "Somebody") if row.person else ""
    sentence = SENTENCES.get(row.action)
    words, detail = sentence({**row.data, "by": str(row.person)}, names) if sentence else (row.action, "")
    if "token" in row.data:
        words += f", by {tokens.get(row.data['token'], 'an API token')}"
    return Line(row.at, who, words if who else words[:1].upper() + words[1:], detail, _comment(row, comments))


def _comment(row: Activity, comments: Mapping[int, Comment]) -> Comment | None:
    return comments.get(row.data["comment"]) if row.action == "comment.added" else None


def _tokens(rows: Iterable[Activity]) -> Mapping[int, str]:
    used = {row.data["token"] for row in rows if "token" in row.data}
    if not used:
        return {}
    return {
        pk: f"the API token “{name}”" for pk, name in ApiToken.objects.filter(pk__in=used).values_list("pk", "name")
    }


def _names(rows: Iterable[Activity]) -> Names:
    keys = {str(row.person) for row in rows if row.person}
    for row in rows:
        keys |= {str(row.data[name]) for name in ("was", "now", "assignee") if _is_key(row.data.get(name))}
    return {str(key): name for key, name in Person.objects.filter(key__in=keys).values_list("key", "name")}


def _is_key(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def _opened(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    found = "found by catch-up" if data.get("recovered") else "told by its monitor"
    because = PLACES.get(str(data.get("because")), "")
    return f"opened as {_severity(data.get('severity'))}, {found}{because}", str(data.get("case") or "")


PLACES = {
    "recurred": "; it goes on in the ticket of what it recurs from",
    "joined": "; it joined the open ticket of the same entity",
    "gathers": "; it gathers with the entity's other weak signals",
}


def _score_reached(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"the entity's weak signals reached {data.get('sum')} points of {data.get('needed')}: a ticket is owed", ""


def _raised(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    because = data.get("because")
    why = ", ".join(map(str, because)) if isinstance(because, list) else ""
    return f"severity went from {_severity(data.get('was'))} to {_severity(data.get('now'))}", why


def _recurred(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "seen again" + (", and new again after a quiet day" if data.get("new_again") else ""), ""


def _assigned(data: Mapping[str, Any], names: Names) -> tuple[str, str]:
    now = data.get("now")
    if now == data["by"]:
        return "took it", ""
    return (f"assigned it to {names.get(now, 'somebody')}" if now else "assigned it to nobody"), ""


def _acknowledged(_data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "acknowledged it", ""


def _judged(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"judged it {_verdict(data)}; it stays open", ""


def _closed(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    if data.get("in_jira"):
        return "closed the ticket in Jira, and so this", str(data.get("reason") or "")
    if not data.get("verdict"):
        return "closed by itself", str(data.get("reason") or "")
    return f"closed it as {_verdict(data)}", str(data.get("reason") or "")


def _snoozed(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    until = exactly(timezone.localtime(datetime.fromisoformat(data["until"])))
    return f"snoozed it until {'it grows, at the latest ' if data.get('or_growth') else ''}{until}", ""


def _woken(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return ("it grew: the snooze is over" if data.get("grew") else "ended the snooze"), ""


def _escalated(data: Mapping[str, Any], names: Names) -> tuple[str, str]:
    graver = f", {_severity(data.get('now'))} now" if data.get("was") != data.get("now") else ""
    return f"escalated it to {names.get(str(data.get('assignee')), 'somebody')}{graver}", ""


def _undone(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"took back: {UNDONE.get(str(data.get('undone')), 'a decision')}", ""


def _stayed_closed(_data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "seen again from the same addresses, networks and devices: it stays the false positive that it was", ""


def _after_false_positive(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return (
        f"opened although A-{data.get('alert')} was a false positive",
        f"New: {', '.join(map(str, data.get('new', ())))}",
    )


def _commented(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "commented" + (", in the ticket too" if data.get("in_ticket") else ""), ""


def _comment_removed(_data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "took a comment back", ""


UNDONE = {
    "alert.assigned": "the assignment",
    "alert.acknowledged": "the acknowledgement",
    "alert.snoozed": "the snooze",
    "alert.woken": "the end of the snooze",
    "alert.judged": "the verdict",
    "alert.escalated": "the escalation",
    "alert.closed": "the closing",
    "alert.reopened": "the reopening",
}


def _rehearsal_refused(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "it is no rehearsal", str(data.get("because") or "")


def _fault_over(_data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "the fault is over", ""


def _reopened(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    if data.get("in_jira"):
        return "reopened the ticket in Jira, and so this", str(data.get("reason") or "")
    return f"reopened it, closed before as {_verdict(data)}", str(data.get("reason") or "")


def _step_ticked(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "did a step of the runbook", str(data.get("words") or "")


def _step_unticked(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "said that a step of the runbook is not done", str(data.get("words") or "")


def _step_reported(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"Okta reported for the runbook: {data.get('done')}", str(data.get("words") or "")


def _ticket_created(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"ticket {data.get('key')} was created", ""


def _ticket_attached(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"attached {data.get('key')}, which was in Jira already", ""


def _ticket_detached(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"took {data.get('key')} away again", ""


def _case_joined(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"joined {data.get('was')} into {data.get('into')}", ""


def _case_parted(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"took {data.get('now')} out of {data.get('was')} again", ""


def _ticket_failed(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"Jira refused: {_operation(data)}", str(data.get("error") or "")


def _ticket_retried(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"had it tried again: {_operation(data)}", ""


def _ticket_dismissed(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"dismissed what had failed: {_operation(data)}", str(data.get("reason") or "")


def _ticket_restored(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return f"took a dismissal back: {_operation(data)}", ""


def _ticket_settled(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    made = str(data.get("made") or "")
    found = {"": "found that nothing was made in Jira, and had it sent again", "yes": "found it made in Jira"}
    return f"{found.get(made, f'found it made in Jira, as {made}')}: {_operation(data)}", ""


def _delivery_retried(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "had it worked again", str(data.get("reason") or "")


def _delivery_dismissed(data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "dismissed it", str(data.get("reason") or "")


def _delivery_restored(_data: Mapping[str, Any], _names: Names) -> tuple[str, str]:
    return "put it back into quarantine", ""


SENTENCES: Mapping[str, Callable[[Mapping[str, Any], Names], tuple[str, str]]] = {
    **jira_words.SENTENCES,
    **suppression_words.SENTENCES,
    "alert.opened": _opened,
    "alert.score_reached": _score_reached,
    "alert.severity_raised": _raised,
    "alert.recurred": _recurred,
    "alert.assigned": _assigned,
    "alert.acknowledged": _acknowledged,
    "alert.judged": _judged,
    "alert.closed": _closed,
    "alert.reopened": _reopened,
    "alert.snoozed": _snoozed,
    "alert.woken": _woken,
    "alert.escalated": _escalated,
    "alert.undone": _undone,
    "alert.stayed_closed": _stayed_closed,
    "alert.after_false_positive": _after_false_positive,
    "comment.added": _commented,
    "comment.removed": _comment_removed,
    "alert.fault_over": _fault_over,
    "runbook.ticked": _step_ticked,
    "runbook.unticked": _step_unticked,
    "runbook.reported": _step_reported,
    "ticket.created": _ticket_created,
    "ticket.attached": _ticket_attached,
    "ticket.detached": _ticket_detached,
    "case.joined": _case_joined,
    "case.parted": _case_parted,
    "ticket.failed": _ticket_failed,
    "ticket.retried": _ticket_retried,
    "ticket.dismissed": _ticket_dismissed,
    "ticket.restored": _ticket_restored,
    "ticket.settled": _ticket_settled,
    "alert.rehearsal_refused": _rehearsal_refused,
    "delivery.retried": _delivery_retried,
    "delivery.dismissed": _delivery_dismissed,
    "delivery.restored": _delivery_restored,
}


def _severity(number: Any) -> str:
    return SEVERITIES.get(number, "an unknown severity") if isinstance(number, int) else "an unknown severity"


def _verdict(data: Mapping[str, Any]) -> str:
    value = data.get("verdict")
    return Verdict(value).label.lower() if value in Verdict.values else "not judged"


def _operation(data: Mapping[str, Any]) -> str:
    value = data.get("operation")
    return OperationKind(value).label.lower() if value in OperationKind.values else "an effect"

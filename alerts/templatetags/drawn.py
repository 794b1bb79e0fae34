"""Small drawings that stand in many rows of a table, where a template of their own would cost more than they do."""

from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from alerts.choices import OperationState
from alerts.models import Alert, Case, TicketOperation
from alerts.templatetags.entities import cut, entity_link
from alerts.templatetags.portal import ago, severity, severity_word
from alerts.views.observed import Bar

register = template.Library()

TICKET = (
    '<a class="chip{}" href="{}" target="_blank" rel="noreferrer"><b>{}</b>{}'
    '<span class="visually-hidden"> in Jira, opens a new tab</span></a>'
)
ABOUT = (
    '<span data-field="severity" data-value="{}" data-words="{}">{}</span>'
    '<span tabindex="0" data-field="detection" data-value="{}">{}</span><span class="value">{}</span>'
)
OWED = '<span class="chip {}" title="{}">{}</span>'
DAY = 4  # pixels between the beginnings of two bars
HIGH = 14


@register.simple_tag
def limit_bar(bar: Bar | None) -> SafeString:
    """Return a value and its limit on one scale; nothing where there is no bar. The words beside it say the same."""
    if bar is None:
        return mark_safe("")
    return format_html(
        '<svg class="bar" aria-hidden="true"><rect class="track" y="3" width="100%" height="4" rx="2"/>'
        '<rect class="fill" y="3" width="{}%" height="4" rx="2"/><rect class="limit" x="{}%" width="3" height="10"/></svg>',
        bar.filled,
        bar.limit,
    )


@register.simple_tag
def about(alert: Alert) -> SafeString:
    """Return how grave an alert is, which detection found it and about whom: each a door, to filter by or to go through."""
    return format_html(
        ABOUT,
        alert.severity,
        severity_word(alert.severity).capitalize(),
        severity(alert.severity),
        alert.detection,
        cut(alert.detection, 60),
        entity_link(alert.entity_type, alert.entity_id, alert.entity_name, 80),
    )


@register.simple_tag
def seen(times: int) -> SafeString:
    """Return how often something was seen."""
    number = f"{times:,}"
    return format_html('<span title="Seen {} time{}">×{}</span>', number, "" if times == 1 else "s", number)


@register.simple_tag
def spark(days: Sequence[int]) -> SafeString:
    """Return a bar for each day on which something was seen, the last day to the right; nothing where nothing was."""
    most = max(days, default=0)
    if not most:
        return mark_safe("")
    heights = [(DAY * at, round(HIGH * times / most)) for at, times in enumerate(days) if times]
    bars = "".join(f'<rect x="{x}" y="{HIGH + 2 - high}" width="3" height="{high}"/>' for x, high in heights)
    return mark_safe(f'<svg class="spark" viewBox="0 0 56 16" aria-hidden="true">{bars}</svg>')  # noqa: S308 - numbers


@register.simple_tag
def ticket_chip(case: Case, owed: TicketOperation | None = None) -> SafeString:
    """Return a case's ticket and its state in Jira; where there is none, how far it is. `owed` is what Jira is owed first."""
    ticket = getattr(case, "ticket", None)
    failed = owed if owed and owed.state == OperationState.FAILED else None
    if ticket:
        trouble = f"{failed.get_kind_display().lower()} failed" if failed else "gone" if ticket.gone_at else ""
        return format_html(TICKET, " bad" if trouble else "", ticket.url, ticket.key, trouble or ticket.status)
    if not owed:
        return mark_safe('<span class="quiet">No ticket</span>')
    if failed:
        return format_html(OWED, "bad", failed.last_error, "Ticket failed")
    if owed.state == OperationState.UNKNOWN:
        return format_html(OWED, "waits", owed.last_error, "Asking Jira")
    if owed.state == OperationState.WAITING:
        until = format_html(", {}", ago(owed.not_before)) if owed.not_before else ""
        return format_html(OWED, "waits", owed.last_error, format_html("<span>Jira later{}</span>", until))
    return mark_safe('<span class="chip waits">Ticket on its way</span>')

"""What every template says the same way: severity, time, icons, counts."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Literal

import structlog
from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from alerts.querysets import COUNT_LIMIT
from core.text import controls_shown
from monitors.definitions import SEVERITIES
from monitors.findings import duration

register = template.Library()

SPRITE = "vendor/lucide-1.62.0/sprite.svg"
SELECTED = mark_safe(" selected")
SHAPES = {
    "critical": "M6 .5 11.5 6 6 11.5.5 6z",
    "high": "M6 1.2 11.4 10.8H.6z",
    "medium": "M6 1.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6z",
    "low": "M6 10.8.6 1.2h10.8z",
    "info": "M6 1.7a4.3 4.3 0 1 0 0 8.6 4.3 4.3 0 0 0 0-8.6zm0 1.8a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
}


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """Return an icon of the sprite. It never stands alone: a word or a label goes with it."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><use href="{}#{}"></use></svg>', static(SPRITE), name
    )


@register.simple_tag
@cache
def severity(number: int) -> SafeString:
    """Return a severity as its shape, its colour and its word."""
    word = severity_word(number)
    return format_html(
        '<span class="severity {}"><svg viewBox="0 0 12 12" aria-hidden="true"><path d="{}"/></svg>{}</span>',
        word,
        SHAPES[word],
        word.capitalize(),
    )


@register.simple_tag
def filter_by(name: str, choices: Iterable[tuple[Any, str]], chosen: Any, label: str, unfiltered: str) -> SafeString:
    """Return a list to choose a filter's value from; `unfiltered` is what it says while none is chosen."""
    options = _options((("", unfiltered), *choices), str(chosen or ""))
    return format_html('<select name="{}" aria-label="{}">{}</select>', name, label, options)


@lru_cache(maxsize=200)
def _options(choices: tuple[tuple[Any, str], ...], chosen: str) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, SELECTED if chosen and str(value) == chosen else "", words) for value, words in choices),
    )


@register.simple_tag
def ago(at: datetime | Literal[""] | None) -> SafeString:
    """Return a time as how long ago it was, with the exact time beside it for whoever hovers or prints. A template's gap is ""."""
    if not at:
        return mark_safe('<span class="quiet">never</span>')
    local = timezone.localtime(at)
    return format_html(
        '<time class="ago" datetime="{}" title="{}">{}</time>', local.isoformat(), exactly(local), distance(at)
    )


@register.simple_tag
def exact(at: datetime | Literal[""] | None, form: str = "full") -> SafeString | str:
    """Return a time as digits: all of it, or with `form="time"` the time of day, whose date stands in the title."""
    if not at:
        return ""
    local = timezone.localtime(at)
    words = f"{local:%H:%M:%S}" if form == "time" else f"{local:%Y-%m-%d %H:%M:%S}"
    return format_html(
        '<time class="exact" datetime="{}" title="{}">{}</time>', local.isoformat(), exactly(local), words
    )


@register.simple_tag(takes_context=True)
def rail(context: Context) -> SafeString:
    """Return the ways to all sections, with what waits in each: on every page the same for a reader, and so rendered once."""
    pulse, reader = context["pulse"], context["request"].user
    return _rail(context.get("section", ""), reader.is_staff, pulse.new_alerts, pulse.faults, pulse.quarantined)


@lru_cache(maxsize=500)
def _rail(section: str, is_staff: bool, new_alerts: int, faults: int, quarantined: int) -> SafeString:
    told = {
        "section": section,
        "is_staff": is_staff,
        "new_alerts": new_alerts,
        "faults": faults,
        "quarantined": quarantined,
    }
    return render_to_string("_rail.html", told)


@register.simple_tag
def request_id() -> str:
    """Return the id of the current request, as it stands in the log; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


@register.filter(is_safe=True)
def bidi_shown(page: str) -> SafeString:
    """Return a rendered page with every control character written out: those that turn text around above all."""
    return mark_safe(controls_shown(page))  # noqa: S308 - the page was escaped when it was rendered


@register.filter
def severity_word(number: int) -> str:
    """Return a severity's word in small letters, for a class name."""
    return SEVERITIES.get(number, "info")


@register.filter
def capped(count: int) -> str:
    """Return a capped count: "99+" when there may be more."""
    return f"{COUNT_LIMIT}+" if count > COUNT_LIMIT else str(count)


@register.filter
def initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name."""
    words = [word for word in str(name).replace(".", " ").replace("@", " ").split() if word]
    chosen = words[:1] + (words[1:] and words[-1:])
    return "".join(word[0] for word in chosen).upper() or "?"


def exactly(local: datetime) -> str:
    """Return all of a local time: date, time of day and offset."""
    digits = local.isoformat(" ", "seconds")
    return f"{digits[:19]} {digits[19:]}"


def distance(at: datetime) -> str:
    """Return how far a time lies from now: "just now", "40 s ago", "3 min ago", "in 2 h", "5 days ago"."""
    seconds = int((timezone.now() - at).total_seconds())
    size = abs(seconds)
    if size < 5:
        return "just now"
    for limit, divisor, unit in ((60, 1, "s"), (3600, 60, "min"), (48 * 3600, 3600, "h")):
        if size < limit:
            words = f"{size // divisor} {unit}"
            break
    else:
        words = f"{size // 86_400} days"
    return f"{words} ago" if seconds > 0 else f"in {words}"


@register.simple_tag
def span(seconds: float | None) -> SafeString:
    """Return a length of time in words; a dash, said aloud as "none", where there is none."""
    if seconds is None:
        return mark_safe(
            '<span class="quiet"><span aria-hidden="true">–</span><span class="visually-hidden">none</span></span>'
        )
    return format_html("{}", duration(max(seconds, 0)))


@register.simple_tag
def percent(share: float) -> str:
    """Return a share of one in per cent, without decimals."""
    return f"{share:.0%}".replace("%", " %")

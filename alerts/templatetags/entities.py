"""Every value is a door: the address of an entity's page, and a link to it."""

from functools import cache
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from alerts.entity_path import EntityValue
from alerts.services.entities import KINDS

register = template.Library()
SEGMENT = EntityValue()


def cut(shown: str, length: int) -> str:
    """Return it at most so long: what is short already need not be looked at letter by letter."""
    return shown if len(shown) <= length else Truncator(shown).chars(length)


@cache
def _before(page: str, *args: str) -> str:
    """Return what all addresses of a page begin with. Django takes longer to make one anew than all else that stands in a row."""
    return reverse(page, args=args).removesuffix("/".join((*args, "")))


@register.simple_tag
def alert_page(pk: int) -> str:
    """Return the address of an alert."""
    return f"{_before('alerts:alert', '0')}{pk}/"


def entity_page(kind: str, value: str) -> str:
    """Return the address of an entity."""
    return f"{_before('alerts:entity', 'user', 'x')}{kind}/{SEGMENT.to_url(value)}/"


@register.simple_tag
def entity_link(kind: str, value: Any, name: Any = "", length: int = 60) -> SafeString:
    """Return a value as a link to its page: `name` shown, at most so long, all of it in the title. No link where there is no value."""
    shown = str(name or value or "")
    if not value or kind not in KINDS:
        return format_html('<span class="value" title="{}">{}</span>', shown, cut(shown, length))
    return format_html(
        '<a class="value" href="{}" title="{}" data-field="{}" data-value="{}" data-words="{}">{}</a>',
        entity_page(kind, str(value)),
        shown,
        "address" if kind == "ip" else "entity",
        value,
        shown,
        cut(shown, length),
    )


@register.simple_tag
def country(name: str, words: str = "", length: int = 40) -> SafeString:
    """Return a country, or a place in it, as a door to the queue: it has no page. Nothing where there is no country."""
    shown = words or name
    if not name:
        return format_html('<span class="isolate" title="{}">{}</span>', shown, cut(shown, length))
    return format_html(
        '<span class="isolate" tabindex="0" title="{}" data-field="country" data-value="{}">{}</span>',
        shown,
        name,
        cut(shown, length),
    )

"""Every value is a door: the address of an entity's page, and a link to it."""

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from alerts.services.entities import KINDS

register = template.Library()


@register.simple_tag
def entity_link(kind: str, value: Any, name: Any = "", length: int = 60) -> SafeString:
    """Return a value as a link to its page: `name` shown, at most so long, all of it in the title. No link where there is no value."""
    shown = str(name or value or "")
    if not value or kind not in KINDS:
        return format_html('<span class="value" title="{}">{}</span>', shown, Truncator(shown).chars(length))
    to = reverse("alerts:entity", args=[kind, str(value)])
    return format_html('<a class="value" href="{}" title="{}">{}</a>', to, shown, Truncator(shown).chars(length))

"""The words of the API's description, in which backquotes mark what programs write."""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
QUOTED = re.compile(r"`([^`]+)`")


@register.filter
def coded(words: str) -> SafeString:
    """Return the words with what stands in backquotes as code."""
    return mark_safe(QUOTED.sub(r'<code class="value">\1</code>', escape(words)))  # noqa: S308 - escaped before

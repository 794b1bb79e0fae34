"""Small drawings that stand in many rows of a table, where a template of their own would cost more than they do."""

from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from alerts.views.observed import Bar

register = template.Library()

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
def spark(days: Sequence[int]) -> SafeString:
    """Return a bar for each day on which something was seen, the last day to the right; nothing where nothing was."""
    most = max(days, default=0)
    if not most:
        return mark_safe("")
    heights = [(DAY * at, round(HIGH * times / most)) for at, times in enumerate(days) if times]
    bars = "".join(f'<rect x="{x}" y="{HIGH + 2 - high}" width="3" height="{high}"/>' for x, high in heights)
    return mark_safe(f'<svg class="spark" viewBox="0 0 56 16" aria-hidden="true">{bars}</svg>')  # noqa: S308 - numbers

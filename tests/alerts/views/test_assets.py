"""What templates name must be there."""

import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

from alerts.templatetags import portal

TEMPLATES = [path.read_text() for path in Path(settings.BASE_DIR / "templates").rglob("*.html")]


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    found = finders.find(portal.SPRITE)
    assert isinstance(found, str)
    symbols = set(re.findall(r'<symbol id="([^"]+)"', Path(found).read_text()))
    named = {name for template in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', template)}
    assert named
    assert named <= symbols


def test_every_static_file_that_a_template_names_exists() -> None:
    named = {name for template in TEMPLATES for name in re.findall(r"{% static '([^']+)'", template)}
    assert named
    assert [name for name in named if not finders.find(name)] == []


def test_no_template_turns_escaping_off() -> None:
    assert not [template for template in TEMPLATES if re.search(r"\|\s*safe\b|autoescape off|safeseq", template)]

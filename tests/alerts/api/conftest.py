"""A program with a token, whose every answer is held to the schema."""

import pytest
from django.core.cache import cache

from alerts.choices import Scope
from core.models import Person
from tests.alerts.api.client import Program, program_of
from tests.factories import make_person, make_user


@pytest.fixture(autouse=True)
def _nothing_counted_yet() -> None:
    """Throttles count in the cache, which outlives a test."""
    cache.clear()


@pytest.fixture
def mira() -> Person:
    return make_person(make_user("mira", first_name="Mira", last_name="Okafor"))


@pytest.fixture
def soar(mira: Person) -> Program:
    """Mira's program, which may all that she may."""
    return program_of(mira, *Scope)

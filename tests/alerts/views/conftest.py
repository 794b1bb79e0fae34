"""A signed-in analyst and their client."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_user


@pytest.fixture
def mira() -> User:
    return make_user("mira", first_name="Mira", last_name="Okafor")


@pytest.fixture
def client(mira: User) -> Client:
    """Signed in as Mira."""
    client = Client()
    client.force_login(mira)
    return client

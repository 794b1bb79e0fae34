"""Guessing passwords ends at a page that says so, and says nothing else."""

from typing import Any

import pytest
from django.test import Client

from tests.factories import make_user

pytestmark = pytest.mark.django_db


def sign_in(client: Client, password: str) -> tuple[int, str]:
    answer = client.post("/sign-in/", {"username": "anna", "password": password})
    return answer.status_code, answer.content.decode()


def test_after_too_many_tries_a_page_of_ours_says_so_and_the_right_password_waits_too(
    client: Client, settings: Any
) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    make_user("anna", password="right-and-long-enough")
    assert sign_in(client, "wrong")[0] == 200
    assert sign_in(client, "wrong")[0] == 200
    for password in ("wrong", "right-and-long-enough"):
        status, page = sign_in(client, password)
        assert status == 429
        assert "Too many tries" in page
        assert "quarter of an hour" in page
        assert "css/tokens.css" in page


def test_the_right_password_forgets_the_wrong_tries(client: Client) -> None:
    make_user("anna", password="right-and-long-enough")
    sign_in(client, "wrong")
    assert sign_in(client, "right-and-long-enough")[0] == 302

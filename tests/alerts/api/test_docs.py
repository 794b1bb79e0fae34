"""docs/api.md: its examples do what it says, and its table names every code."""

import inspect
import re
import shlex
from urllib.parse import urlsplit

import pytest
from rest_framework import exceptions

from alerts.api import errors
from alerts.choices import Scope
from alerts.services import comments, triage, undo
from sandbox.paths import PROJECT
from tests.alerts.api.client import Program
from tests.factories import make_travel_alert
from tests.test_docs import documented

TEXT = (PROJECT / "docs/api.md").read_text()
EXAMPLES = [
    command
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for command in block.replace("\\\n", " ").strip().splitlines()
]
OF_OURS = {"scope_missing", "role_missing", errors.TooLarge.default_code, errors.LengthRequired.default_code}
OF_DRF = {
    one.default_code
    for one in vars(exceptions).values()
    if inspect.isclass(one) and issubclass(one, exceptions.APIException)
} - {"invalid"}  # what is told by field


def sent(soar: Program, command: str, variables: dict[str, str]) -> dict[str, object]:
    """Send what a shell would make of a curl command, and return what it is answered."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    words = shlex.split(command)
    assert words[0] == "curl"
    assert "$" not in command
    headers = [words[at + 1] for at, word in enumerate(words) if word == "-H"]
    assert headers[0] == f"Authorization: Bearer {soar.token}"
    body = words[words.index("-d") + 1] if "-d" in words else None
    assert (body is None) == (len(headers) == 1), "a body needs its type"
    address = urlsplit(words[-1])
    path = f"http://testserver{address.path}" + (f"?{address.query}" if address.query else "")
    answer = soar.send("GET" if body is None else "POST", path, body=body)
    assert answer.status_code in {200, 201}, (command, answer.content)
    told: dict[str, object] = answer.json()
    return told


@pytest.mark.django_db
def test_the_examples_work_one_after_the_other(soar: Program) -> None:
    assert len(EXAMPLES) > 10
    alert = make_travel_alert()
    variables = {
        "PORTAL": "https://portal.example",
        "TOKEN": soar.token,
        "ALERT": str(alert.pk),
        "VERSION": str(triage.newest_change(alert)),
    }
    for command in EXAMPLES:
        told = sent(soar, command, variables)
        variables["DECISION"] = str(told.get("decision", ""))
    alert.refresh_from_db()
    assert alert.status == "acknowledged"
    assert alert.comments.get().text == "Called her at 03:12: it was she, from a hotel."


def test_the_table_names_every_code_that_an_answer_may_have() -> None:
    told = set(documented("docs/api.md")) - set(Scope.values)
    refused: set[type[triage.TriageError]] = {
        triage.NoSuchAlert, triage.AboutYourself, triage.NotNow, triage.ReasonMissing, triage.ChangedMeanwhile,
        undo.TooLate, comments.NothingSaid,
    }  # fmt: skip
    assert told == {one.code for one in refused} | OF_DRF | OF_OURS


def test_every_scope_is_explained() -> None:
    assert set(Scope.values) <= set(documented("docs/api.md"))

"""What people say about an alert, here and in its ticket."""

import pytest

from alerts.choices import OperationKind, OperationState
from alerts.services import comments, triage
from alerts.views import history
from core import activity
from core.models import Person
from tests.factories import make_alert, make_operation, make_person, make_ticket, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira() -> Person:
    return make_person(make_user("mira", first_name="Mira", last_name="Okafor"))


def test_a_comment_stands_in_the_history_with_its_words(mira: Person) -> None:
    alert = make_alert()
    comments.add(alert.pk, mira, text="  Called her: it was her.  ")
    [line, _opened] = history.lines(activity.history(alert))
    assert (line.who, line.words) == ("Mira Okafor", "commented")
    assert line.comment is not None
    assert line.comment.text == "Called her: it was her."
    assert not alert.operations.exists()


def test_a_comment_for_the_ticket_is_owed_to_jira_with_its_author(mira: Person) -> None:
    alert = make_alert()
    make_ticket(alert)
    comments.add(alert.pk, mira, text="Called her.", in_ticket=True)
    owed = alert.operations.get(kind=OperationKind.COMMENT)
    assert owed.payload == {"text": "Mira Okafor: Called her."}
    assert owed.not_before is not None


def test_a_comment_taken_back_loses_its_words_and_never_reaches_jira(mira: Person) -> None:
    alert = make_alert()
    make_ticket(alert)
    comment = comments.add(alert.pk, mira, text="Wrong alert.", in_ticket=True)
    comments.remove(comment.pk, mira)
    comment.refresh_from_db()
    assert comment.text == ""
    assert not alert.operations.filter(kind=OperationKind.COMMENT).exists()
    assert activity.history(alert)[0].action == "comment.removed"


def test_nobody_takes_back_what_somebody_else_said(mira: Person) -> None:
    comment = comments.add(make_alert().pk, mira, text="Mine.")
    with pytest.raises(triage.NoSuchAlert):
        comments.remove(comment.pk, make_person())


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001])
def test_a_comment_has_words_and_not_too_many(mira: Person, text: str) -> None:
    with pytest.raises(comments.NothingSaid):
        comments.add(make_alert().pk, mira, text=text)


@pytest.mark.parametrize("has_dismissed_create", [False, True])
def test_where_no_ticket_is_to_be_nothing_is_owed_to_it(mira: Person, *, has_dismissed_create: bool) -> None:
    alert = make_alert()
    if has_dismissed_create:
        make_operation(alert, state=OperationState.DISMISSED)
    with pytest.raises(triage.NotNow, match="no ticket"):
        comments.add(alert.pk, mira, text="Hello", in_ticket=True)


def test_a_comment_does_not_stand_in_the_way_of_a_decision(mira: Person) -> None:
    alert = make_alert()
    seen = triage.newest_change(alert)
    comments.add(alert.pk, make_person(), text="Looks odd.")
    assert triage.acknowledge(alert.pk, mira, seen=seen).assignee == mira

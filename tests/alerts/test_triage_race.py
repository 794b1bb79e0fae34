"""Two analysts decide on one alert at the same moment."""

import threading

import pytest
from django.db import connection

from alerts.choices import Verdict
from alerts.services import triage
from core import activity
from tests.factories import make_alert, make_person


@pytest.mark.django_db(transaction=True)
def test_of_two_who_close_at_once_one_closes_and_the_other_is_told() -> None:
    alert, people = make_alert(), [make_person(), make_person()]
    seen = triage.newest_change(alert)
    start, refused = threading.Barrier(2), []

    def close(number: int) -> None:
        try:
            start.wait(timeout=10)
            triage.close(alert.pk, people[number], verdict=Verdict.BENIGN, reason=f"Reason {number}", seen=seen)
        except triage.ChangedMeanwhile as error:
            refused.append(error.changes[0].person)
        finally:
            connection.close()

    threads = [threading.Thread(target=close, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    alert.refresh_from_db()
    assert alert.closed_by in people
    assert refused == [alert.closed_by.key]
    assert activity.history(alert).filter(action="alert.closed").count() == 1

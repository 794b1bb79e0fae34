"""Dear figures are kept and asked for again in time; all others are of this moment."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from alerts.models import Figure
from alerts.services import figures, measures
from alerts.tasks import refresh_figures
from core import clock
from tests.factories import make_alert, make_user

pytestmark = pytest.mark.django_db


class Told:
    """Something to ask: says another number each time."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, days: int) -> figures.Rows:
        self.times += 1
        return [[days, self.times]]


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DEAR", 0.0)


def test_what_is_cheap_is_asked_for_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "DEAR", 60.0)
    ask = Told()
    assert [figures.rows("x", 90, ask) for _ in range(2)] == [[[90, 1]], [[90, 2]]]
    assert figures.kept_since(90) is None


@pytest.mark.usefixtures("dear")
def test_what_is_dear_is_kept_for_each_span_and_says_since_when() -> None:
    ask = Told()
    assert [figures.rows("x", days, ask) for days in (90, 90, 30, 90)] == [[[90, 1]], [[90, 1]], [[30, 2]], [[90, 1]]]
    assert figures.kept_since(90) == Figure.objects.get(days=90).at


@pytest.mark.usefixtures("dear")
def test_it_is_asked_for_again_once_it_is_old_for_what_it_takes() -> None:
    ask = Told()
    figures.rows("x", 90, ask)
    Figure.objects.update(took=2.0)
    with time_machine.travel(clock.now() + timedelta(seconds=2 * figures.SHARE - 60)):
        assert figures.refresh({"x": ask}) == 0
    with time_machine.travel(clock.now() + timedelta(seconds=2 * figures.SHARE + 60)):
        assert figures.refresh({"x": ask}) == 1
        assert figures.rows("x", 90, ask) == [[90, 2]]


@pytest.mark.usefixtures("dear")
def test_where_no_worker_works_a_figure_is_a_day_old_at_most() -> None:
    ask = Told()
    figures.rows("x", 90, ask)
    with time_machine.travel(clock.now() + figures.OLDEST + timedelta(minutes=1)):
        assert figures.rows("x", 90, ask) == [[90, 2]]


def test_what_is_dear_no_more_is_of_this_moment_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Told()
    monkeypatch.setattr(figures, "DEAR", 0.0)
    figures.rows("x", 90, ask)
    Figure.objects.update(took=0.0)
    monkeypatch.setattr(figures, "DEAR", 60.0)
    figures.refresh({"x": ask})
    assert not Figure.objects.exists()


@pytest.mark.usefixtures("dear")
def test_kept_measures_are_those_that_were_measured_and_the_page_says_of_when(client: Client) -> None:
    make_alert(severity=2)
    live = [getattr(measures, name)(30) for name in ("times", "detections", "weekly", "plumbing")]
    make_alert(severity=2)
    assert [getattr(measures, name)(30) for name in ("times", "detections", "weekly", "plumbing")] == live
    client.force_login(make_user())
    assert "left out. Measured <time" in client.get("/measures/?days=30").content.decode()
    Figure.objects.update(at=clock.now() - timedelta(hours=3))
    refresh_figures()
    assert measures.times(30)[0].alerts == 2

"""Long work: claimed once, watched, taken back, and never lost with its worker."""

from datetime import timedelta

import pytest

from core import clock, jobs
from core.jobs import State
from monitors.models import Survey

pytestmark = pytest.mark.django_db


def survey() -> Survey:
    now = clock.now()
    return Survey.objects.create(index_pattern="okta-*", begins_at=now - timedelta(days=30), ends_at=now)


def test_it_is_done_once_by_whoever_claims_it_first() -> None:
    job, seen = survey(), []

    def do(it: Survey) -> None:
        seen.append(it.state)
        it.progress(1, 4, "the first of four")

    jobs.work(Survey, job.pk, do, expected=())
    jobs.work(Survey, job.pk, do, expected=())
    job.refresh_from_db()
    assert seen == [State.RUNNING]
    assert (job.state, job.percent) == (State.DONE, 100)


def test_an_expected_error_is_kept_as_its_sentence_and_any_other_is_raised() -> None:
    def fail(_: Survey) -> None:
        raise ValueError("OpenSearch is away.")

    job = survey()
    jobs.work(Survey, job.pk, fail, expected=(ValueError,))
    job.refresh_from_db()
    assert (job.state, job.error) == (State.FAILED, "OpenSearch is away.")
    with pytest.raises(ValueError, match="away"):
        jobs.work(Survey, survey().pk, fail, expected=())


def test_what_a_dead_worker_left_is_due_again_and_given_up_the_fourth_time() -> None:
    job, long_ago = survey(), clock.now() - 2 * jobs.DEAD_AFTER
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.due(Survey) == [str(job.pk)]
        assert jobs.claim(Survey, job.pk) is not None
        assert jobs.due(Survey) == []
        Survey.objects.update(alive_at=long_ago)
    assert jobs.claim(Survey, job.pk) is None
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert "worker died" in job.error


def test_one_that_is_taken_back_stops_at_its_next_step_and_stays_so() -> None:
    job, reached = survey(), []

    def do(it: Survey) -> None:
        assert jobs.cancel(it)
        it.progress(1, 2)
        reached.append("behind the step")

    jobs.work(Survey, job.pk, do, expected=())
    job.refresh_from_db()
    assert (reached, job.state) == ([], State.CANCELLED)
    assert not jobs.cancel(job)

"""A rehearsal of each family, the whole way on real programs: events, monitor, webhook, alert, ticket, and nothing left behind."""

import pytest

from sandbox.demo.issues import issues_since
from tests.story.conftest import Story, wait_until

FAMILIES = ("impossible-travel", "brute-force-user", "push-fatigue", "admin-role-granted")
INTERVAL = 10
COMES = 2 * INTERVAL + 90.0  # seconds: the limit of a rehearsal of such a monitor
ROW = """SELECT r.state, r.error, r.ticket_key, r.index, r.uuid, r.cleaned_at IS NOT NULL,
         r.indexed_at, r.searchable_at, r.fired_at, r.delivered_at, r.alerted_at, r.ticketed_at
         FROM alerts_rehearsal r JOIN monitors_monitor m ON m.uuid = r.monitor_id WHERE m.detection = %s ORDER BY r.uuid DESC LIMIT 1"""
STAGES = ("indexed", "searchable", "fired", "delivered", "alert", "ticket")
ALERTS = "SELECT status, verdict, sentence FROM alerts_alert WHERE rehearsal_id = %s"
OWED = """SELECT o.state FROM alerts_ticketoperation o JOIN alerts_alert a ON a.id = o.alert_id
          WHERE a.rehearsal_id = %s AND o.kind = 'delete'"""


def test_a_rehearsal_of_each_family_comes_the_whole_way_and_leaves_nothing_behind(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    story.portal.push_monitors(FAMILIES, INTERVAL, {})
    names = [
        name for (name,) in story.rows("SELECT name FROM monitors_monitor WHERE detection = ANY(%s)", list(FAMILIES))
    ]
    assert "4 rehearsals begun" in story.portal.manage("monitors", "rehearse", "--no-wait", *names)
    for family in FAMILIES:
        wait_until(lambda family=family: story.rows(ROW, family)[0][5], COMES, f"a rehearsal of {family}, cleaned up")  # type: ignore[misc]
        ((state, error, ticket, index, pk, _, *times),) = story.rows(ROW, family)
        assert (state, error) == ("done", ""), family
        began = times[0]
        seconds = [f"{name} {(at - began).total_seconds():.1f} s" for name, at in zip(STAGES, times, strict=True)]
        with capsys.disabled():
            print(f"\n{family}: {', '.join(seconds)}", end="")  # noqa: T201 - the figures are what this test is for
        assert [alert[:2] for alert in story.rows(ALERTS, pk)] == [("closed", "")], story.rows(ALERTS, pk)
        wait_until(lambda pk=pk: story.rows(OWED, pk) == [("done",)], 60, f"the ticket {ticket} deleted")  # type: ignore[misc]
        assert story.opensearch("GET", f"/{index}?ignore_unavailable=true") == {}
    left = issues_since(story.portal.environ, story.began)
    assert [issue.summary for issue in left if issue.summary.startswith("[Rehearsal]")] == []

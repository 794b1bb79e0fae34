"""From a POST to a ticket, once, whatever is posted how often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from tests.events import failed_sign_in
from tests.story.conftest import Story, article, wait_until


def test_the_articles_body_becomes_an_alert_and_a_ticket_that_names_the_user(story: Story) -> None:
    answer = story.post(article(failed_sign_in(datetime.now(UTC), user="curly")))
    assert answer.status_code == 202
    issue = story.wait_for_ticket("curly@example.com")
    assert issue.summary == "Security Alert: Okta brute force for curly@example.com"
    assert story.deliveries(answer) == [("processed", "")]


def test_the_same_body_twenty_times_at_once_is_one_alert_and_one_ticket(story: Story) -> None:
    body = article(failed_sign_in(datetime.now(UTC), user="twenty"))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: story.post(body), range(20)))
    assert [answer.status_code for answer in answers] == [202] * 20
    ids = [answer.json()["delivery"] for answer in answers]
    assert len(set(ids)) == 20
    done = "SELECT count(*) FROM alerts_delivery WHERE status = 'processed' AND id = ANY(%s::uuid[])"
    wait_until(lambda: story.rows(done, ids) == [(20,)], 45, "all twenty processed")
    story.wait_for_ticket("twenty@example.com")
    assert story.rows("SELECT count(*) FROM alerts_alert WHERE entity_name = 'twenty@example.com'") == [(1,)]
    assert story.rows(
        "SELECT o.count, o.told FROM alerts_occurrence o JOIN alerts_alert a ON a.id = o.alert_id WHERE a.entity_name = %s",
        "twenty@example.com",
    ) == [(1, 20)]


def test_a_wrong_token_stores_nothing(story: Story) -> None:
    before = story.rows("SELECT count(*) FROM alerts_delivery")
    for token in ("wrong", ""):
        answer = story.post(article(failed_sign_in(datetime.now(UTC), user="nobody")), token=token)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert story.rows("SELECT count(*) FROM alerts_delivery") == before


def test_a_body_over_the_limit_is_refused_and_the_refusal_is_kept(story: Story) -> None:
    answer = story.post(b"x" * 200_001)
    assert answer.status_code == 413
    ((status, reason),) = story.deliveries(answer)
    assert status == "quarantined"
    assert "over the limit of 200,000" in reason

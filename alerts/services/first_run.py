"""
The way from an empty portal to the first verdict, step by step: how each stands, and what to do next.

A step is looked at by itself, so that one whose answer takes long, or never comes, holds up no other. Looking changes nothing; what
OpenSearch is asked costs at most its own timeouts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Max, Q

from alerts.choices import DeliveryStatus
from alerts.models import Alert, Delivery, JiraState, Rehearsal
from alerts.services import rehearsed
from alerts.services.standing import State, Told, of_channel, of_index, of_opensearch
from monitors import opensearch
from monitors.errors import DefinitionError, MonitorsError, OpenSearchRefused
from monitors.models import Deployment, Monitor
from monitors.services import push, revisions

FIRST = "opensearch"
MEND_RIGHTS = "Check OPENSEARCH_USER and OPENSEARCH_PASSWORD, and the rights of that role."
MEND_WAY = "Check OPENSEARCH_URL, OPENSEARCH_CA_FILE, and the way there."
MOST_TRIED = 50  # monitors looked at for one that can be rehearsed


@dataclass(frozen=True)
class Step:
    """A step: what it is, and how it is looked at. `asks` says that OpenSearch is asked, which may take its time."""

    key: str
    title: str
    what: str
    look: Callable[[], Told]
    asks: bool = False


def told(step: Step) -> Told:
    """Return how the step stands; what OpenSearch refuses or does not answer is a failure in its words."""
    try:
        return step.look()
    except MonitorsError as error:
        if step.key != FIRST:
            return Told(State.FAILED, str(error), "OpenSearch comes first: see there.")
        refused = isinstance(error, OpenSearchRefused)
        return Told(State.FAILED, str(error), MEND_RIGHTS if refused else MEND_WAY)


def to_rehearse() -> Monitor | None:
    """Return the running monitor whose rehearsal comes soonest and surely; None where none can be played."""
    rows = Deployment.objects.exclude(opensearch_id="").filter(fault="", monitor__kept__isnull=True)
    for row in rows.select_related("monitor", "revision").order_by("monitor__interval_seconds", "pk")[:MOST_TRIED]:
        try:
            played = revisions.pushed(row)
            definition = played.definition()
        except DefinitionError:
            continue  # it left the catalogue
        tested = bool(definition.raw.get("tests")) and not definition.only_new
        if row.runs and tested and rehearsed.reads_rehearsals(row.pushed_body, played.index_pattern):
            return row.monitor
    return None


def try_webhook() -> None:
    """Have OpenSearch post its own test message through our channel, which makes no alert. Raises OpenSearchError, in words."""
    opensearch.test_channel(push.CHANNEL_ID)


def _webhook() -> Told:
    last = Delivery.objects.order_by("-id").only("received_at", "status").first()
    if last is None:
        fix = "Have OpenSearch post a test message. One that is refused here never stands on the pipeline page: look at its answer."
        return Told(State.WAITING, f"Nothing was posted to {push.webhook_url()} yet.", fix)
    quarantined = last.status == DeliveryStatus.QUARANTINED
    notes = ("It is in quarantine: Pipeline says why.",) if quarantined else ()
    return Told(State.DONE, "The last message came", at=last.received_at, notes=notes)


def _jira() -> Told:
    if not settings.JIRA_URL:
        fix = "Give JIRA_URL, JIRA_PROJECT, JIRA_USER and JIRA_TOKEN, and start anew. Tickets that are owed wait until then."
        return Told(State.WAITING, "No Jira is set.", fix)
    state, command = JiraState.load(), "manage.py jira check"
    if state.check_asked_at is not None:
        return Told(State.WAITING, "A worker checks it now.", command=command)
    if state.checked_at is None:
        return Told(State.WAITING, f"{settings.JIRA_URL} was not checked yet.", "Have a worker check it.", command)
    wrong = [one for one in state.checked if one["state"] == "wrong"]
    if wrong:
        more = f" {len(wrong) - 1} more on its page." if len(wrong) > 1 else ""
        words = f"{wrong[0]['name']}: {wrong[0]['words']} Checked"
        return Told(State.FAILED, words, f"{wrong[0]['fix']}{more}", command, state.checked_at)
    return Told(
        State.DONE, f"{settings.JIRA_URL} is set up as tickets need it; checked", command=command, at=state.checked_at
    )


def _monitors() -> Told:
    synced = Q(state=Deployment.State.IN_SYNC)
    counted = Deployment.objects.exclude(opensearch_id="").aggregate(
        pushed=Count("pk"), synced=Count("pk", filter=synced), faulty=Count("pk", filter=~Q(fault=""))
    )
    pushed, behind = counted["pushed"], counted["pushed"] - counted["synced"]
    if not pushed:
        saved = Monitor.objects.count()
        words = f"{_some(saved, 'monitor')} saved, none pushed." if saved else "No monitor is set up."
        fix = (
            "Push them."
            if saved
            else "Survey the past of your index first: it shows which detections are worth pushing. Or add some."
        )
        command = (
            "manage.py monitors push" if saved else "manage.py monitors add brute-force-user impossible-travel --push"
        )
        return Told(State.WAITING, words, fix, command)
    words = f"{_some(pushed, 'monitor')} pushed, {counted['synced']} in sync"
    if counted["faulty"]:
        return Told(
            State.FAILED,
            f"{words}, {counted['faulty']} with a fault.",
            "Monitors says what is wrong with each, and mends it.",
        )
    notes = (
        (f"{_some(behind, 'monitor')} {'differs' if behind == 1 else 'differ'} from what is saved here.",)
        if behind
        else ()
    )
    return Told(State.DONE, f"{words}.", notes=notes)


def _heartbeat() -> Told:
    heard = Deployment.objects.aggregate(at=Max("heard_at"))["at"]
    if heard is not None:
        return Told(State.DONE, "A monitor was last heard", at=heard)
    minutes = settings.OKTADETECT_HEARTBEAT_SECONDS // 60
    return Told(
        State.WAITING,
        "No monitor was heard yet.",
        f"Nothing: each posts a sign of life about every {minutes} minutes once it runs.",
    )


def _alert() -> Told:
    newest = Alert.objects.filter(rehearsal=None).order_by("-id").only("created_at").first()
    if newest is not None:
        return Told(State.DONE, "The last alert came", at=newest.created_at)
    return Told(State.WAITING, "Nothing was found yet.", "Wait for something to happen, or send a test alert.")


def _verdict() -> Told:
    judged = Alert.objects.filter(rehearsal=None).exclude(verdict="").order_by("-id").only("updated_at").first()
    if judged is not None:
        return Told(State.DONE, "An alert was judged", at=judged.updated_at)
    return Told(
        State.WAITING, "Nobody judged an alert yet.", "Open one in the queue, and say what it was: t, b, f or u."
    )


def _test_alert() -> Told:
    last = last_rehearsal()
    if last is None:
        if to_rehearse() is None:
            return Told(
                State.WAITING,
                "No monitor can be rehearsed yet.",
                "Push one whose detection has test events: any of the catalogue's.",
            )
        return Told(
            State.WAITING,
            "None was sent yet.",
            "A monitor's own test events go the whole way and are cleaned up again.",
        )
    if not last.is_over:
        return Told(State.WAITING, f"A test of {last.monitor} is on its way since", at=last.asked_at)
    if last.state == "done":
        return Told(State.DONE, f"A test of {last.monitor} came the whole way", at=last.finished_at)
    return Told(
        State.FAILED,
        f"A test of {last.monitor} did not come through. {last.error} It ended",
        "Mend that, then send another.",
        at=last.finished_at,
    )


def last_rehearsal() -> Rehearsal | None:
    """Return the test alert that was sent last."""
    return Rehearsal.objects.select_related("monitor").order_by("-uuid").first()


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


STEPS: Mapping[str, Step] = {
    step.key: step
    for step in (
        Step(
            FIRST,
            "OpenSearch",
            "It answers, and has the Alerting plugin that runs monitors.",
            of_opensearch,
            asks=True,
        ),
        Step(
            "index",
            "Okta's events",
            "The index holds the System Log, and detections find their fields in it.",
            of_index,
            asks=True,
        ),
        Step(
            "channel",
            "Webhook channel",
            "OpenSearch knows where to post what monitors find, and with which token.",
            of_channel,
            asks=True,
        ),
        Step("webhook", "Webhook", "What OpenSearch posts arrives here.", _webhook),
        Step("jira", "Jira", "Tickets can be made as they must be.", _jira),
        Step("monitors", "Monitors", "Detections run in OpenSearch.", _monitors),
        Step("heartbeat", "First heartbeat", "A monitor says that it runs, though it finds nothing.", _heartbeat),
        Step("test", "Test alert", "Made-up events go the whole way, stage by stage.", _test_alert),
        Step("alert", "First alert", "A monitor found something real.", _alert),
        Step("verdict", "First verdict", "Somebody said what it was.", _verdict),
    )
}

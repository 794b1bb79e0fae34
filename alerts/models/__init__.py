"""The tables of alerts, by concept."""

from alerts.models.alert import Alert, AlertEntity, Case, Entity, Evidence, Occurrence
from alerts.models.api_token import ApiToken
from alerts.models.delivery import Delivery, Source, SourceToken
from alerts.models.figure import Figure
from alerts.models.gate import JiraGate
from alerts.models.jira import JiraAccount, JiraEvent, JiraState
from alerts.models.looking import Looking
from alerts.models.rehearsal import Rehearsal
from alerts.models.sighting import Baseline, Sighting
from alerts.models.suppression import Suppression
from alerts.models.template import TicketTemplate
from alerts.models.ticket import Ticket, TicketOperation
from alerts.models.triage import BulkDecision, Comment, SavedView

__all__ = [
    "Alert",
    "AlertEntity",
    "ApiToken",
    "Baseline",
    "BulkDecision",
    "Case",
    "Comment",
    "Delivery",
    "Entity",
    "Evidence",
    "Figure",
    "JiraAccount",
    "JiraEvent",
    "JiraGate",
    "JiraState",
    "Looking",
    "Occurrence",
    "Rehearsal",
    "SavedView",
    "Sighting",
    "Source",
    "SourceToken",
    "Suppression",
    "Ticket",
    "TicketOperation",
    "TicketTemplate",
]

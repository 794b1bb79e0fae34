"""
What can become of a request to Jira. Only three answers matter: it surely did nothing, come again later, or nobody knows.

Texts are for an admin: what, why, what to do. Never a header, a credential, or a body that could hold one.
"""

from datetime import datetime


class JiraError(Exception):
    """A request to Jira did not succeed; `str()` is the sentence to show."""

    code = "jira"
    is_fault = False
    """Whether it says something of Jira itself, rather than of this request: several in a row open the breaker."""


class JiraRefused(JiraError):
    """Jira surely did nothing, and the same request will fail again until somebody mends something."""

    code = "jira_refused"


class JiraLater(JiraError):
    """Jira surely did nothing; try again, no earlier than `not_before` where it said so."""

    code = "jira_later"

    def __init__(self, message: str, not_before: datetime | None = None, *, is_fault: bool = False) -> None:
        super().__init__(message)
        self.not_before = not_before
        self.is_fault = is_fault


class JiraBusy(JiraLater):
    """Jira asks to be left alone until `not_before`, by 429, or by 503 with Retry-After: that holds for every request."""

    code = "jira_busy"


class JiraHeld(JiraLater):
    """Nothing was sent: our own breaker, pause or rate held it back until `not_before`. That counts as no attempt."""

    code = "jira_held"


class JiraUnknown(JiraError):
    """The answer was lost or unreadable: Jira may have acted. To be settled by looking, never by guessing."""

    code = "jira_unknown"
    is_fault = True

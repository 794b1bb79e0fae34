"""
What can become of a request to Jira. Only three answers matter: it surely did nothing, come again later, or nobody knows.

Texts are for an admin: what, why, what to do. Never a header, a credential, or a body that could hold one.
"""

from datetime import datetime


class JiraError(Exception):
    """A request to Jira did not succeed; `str()` is the sentence to show."""

    code = "jira"


class JiraRefused(JiraError):
    """Jira surely did nothing, and the same request will fail again until somebody mends something."""

    code = "jira_refused"


class JiraLater(JiraError):
    """Jira surely did nothing; try again, no earlier than `not_before` where it said so."""

    code = "jira_later"

    def __init__(self, message: str, not_before: datetime | None = None) -> None:
        super().__init__(message)
        self.not_before = not_before


class JiraUnknown(JiraError):
    """The answer was lost or unreadable: Jira may have acted. To be settled by looking, never by guessing."""

    code = "jira_unknown"

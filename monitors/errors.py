"""The errors of this app, each with a stable code that logs, pages and docs name."""


class MonitorsError(Exception):
    """Something about detections, monitors or OpenSearch that a person can act on; `str()` is the sentence to show."""

    code = "monitors"


class DefinitionError(MonitorsError):
    """A detection's file or its parameters say something that cannot be."""

    code = "definition"


class MissingField(MonitorsError):
    """The index holds no field that a detection needs."""

    code = "missing_field"

    def __init__(self, field: str, pattern: str) -> None:
        super().__init__(f"The index {pattern} holds no field for {field}, which this detection needs.")
        self.field = field


class OpenSearchError(MonitorsError):
    """OpenSearch answered with an error that is not one of those below."""

    code = "opensearch"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class OpenSearchAway(OpenSearchError):
    """OpenSearch was not reached, or did not answer in time: whether it acted is unknown."""

    code = "opensearch_away"


class OpenSearchRefused(OpenSearchError):
    """OpenSearch refused the credentials or the request; trying again changes nothing."""

    code = "opensearch_refused"


class NotFound(OpenSearchError):
    """OpenSearch holds no such thing."""

    code = "not_found"


class Conflict(OpenSearchError):
    """Somebody changed it since we read it (a stale seq_no), or it exists already."""

    code = "conflict"


class PushError(MonitorsError):
    """A push could not be finished; nothing half-pushed is left."""

    code = "push"

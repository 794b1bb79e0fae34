"""Errors as OpenSearch answers them over REST."""

from sandbox.alerting.values import Json

ILLEGAL_ARGUMENT = "java.lang.IllegalArgumentException"
STATUS_EXCEPTION = "org.opensearch.OpenSearchStatusException"


class ApiError(Exception):
    """A request that ends in an error: the status, and the body that says why."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def rest_error(status: int, kind: str, reason: str, caused_by: Json | None = None) -> ApiError:
    """An error of the given type, such as `status_exception`."""
    cause = {"type": kind, "reason": reason}
    error: Json = {"root_cause": [cause], **cause}
    if caused_by is not None:
        error["caused_by"] = caused_by
    return ApiError(status, {"error": error, "status": status})


def alerting_error(
    status: int, reason: str, java_class: str = ILLEGAL_ARGUMENT, message: str | None = None
) -> ApiError:
    """An error of the Alerting plugin. It names the exception that it wraps; their messages may differ."""
    caused_by = {"type": "exception", "reason": f"{java_class}: {reason if message is None else message}"}
    return rest_error(status, "alerting_exception", reason, caused_by)

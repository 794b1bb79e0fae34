"""Structured logs: one event name and its fields a line, with the id of the request that caused it."""

from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from uuid_utils.compat import uuid7

# Keys whose values are never written, whoever logs them.
HIDDEN_KEYS = ("authorization", "cookie", "password", "secret", "token")


def hide_secrets(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Blank every field whose name says that it holds a credential."""
    return {
        key: "[hidden]" if any(word in key.lower() for word in HIDDEN_KEYS) else value for key, value in event.items()
    }


def logging_config(form: str) -> dict[str, Any]:
    """Return Django's LOGGING for `form`: "json" for machines, "console" for people; standard-library logs go the same way."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    renderer,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "opensearch": {"level": "ERROR"},
            "opensearchpy": {"level": "ERROR"},
            "opensearchpy.trace": {"level": "CRITICAL"},  # it writes whole requests, the channel's token among them
            "jira": {"level": "INFO"},  # at DEBUG it writes headers, the token among them
            "urllib3": {"level": "INFO"},
            "axes": {"level": "WARNING"},
        },
    }


class RequestIdMiddleware:
    """Give each request an id that stands in its log lines, its answer and its error page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind the id while the request is answered."""
        request_id = str(uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]  # set here for templates/500.html
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response.headers["X-Request-Id"] = request_id
        return response

"""Webhooks that a program registers by itself: only for apps on Cloud, which a caller with a token is not.

Webhooks that an administrator has set up are set up through ``/_sandbox/webhooks``.
"""

from .calls import Answer, Call, RefusedError, route


@route("GET", "/webhook")
@route("POST", "/webhook")
@route("DELETE", "/webhook")
@route("PUT", "/webhook/refresh")
@route("GET", "/webhook/failed")
def refuse(call: Call) -> Answer:
    """403 on Cloud; Data Center has no such thing."""
    if call.site.profile == "dc":
        raise RefusedError(404, "null for uri: /rest/api/2/webhook")
    raise RefusedError(403, "The caller is not an app: only Connect and OAuth 2.0 apps register webhooks here.")

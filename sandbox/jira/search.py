"""Searching: the one that Cloud has now, and the one that it has removed and Data Center still answers."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from . import jql, render
from .calls import Answer, Call, RefusedError, route
from .jql_values import JqlError
from .store import Row, now_ms

UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
PAGE = 50
LARGEST_PAGE = 5000
LARGEST_PAGE_WITH_FIELDS = 100


def _check_query(call: Call, text: str) -> jql.Query:
    try:
        query = jql.parse(text, call.site, call.caller, call.conditions.zone)
    except JqlError as error:
        raise RefusedError(400, str(error)) from error
    for key in query.keys:
        if call.store.find_issue(key) is None:
            raise RefusedError(400, f"An issue with key '{key}' does not exist for field 'key'.")
    return query


def _find(call: Call, query: jql.Query, start: int, size: int) -> tuple[list[Row], int]:
    """A page of what a query finds, and how many it finds in all. New issues may be hidden from it for a while."""
    hidden = ", ".join(f"'{level}'" for level in call.site.hidden_levels(call.caller))
    where = f"{query.where or '1'} AND hidden_searches = 0 AND hidden_until <= {now_ms()}"
    where += f" AND (security IS NULL OR security NOT IN ({hidden}))"
    rows = call.store.rows(
        f"SELECT * FROM issue WHERE {where} ORDER BY {query.order} LIMIT ? OFFSET ?",  # noqa: S608 - values are parameters
        [*query.parameters, size, start],
    )
    count = start + len(rows)
    if len(rows) == size or (start and not rows):  # the page does not show where the end is
        counted = call.store.row(f"SELECT count(*) AS n FROM issue WHERE {where}", query.parameters)  # noqa: S608 - as above
        count = counted["n"] if counted else 0
    call.store.write("UPDATE issue SET hidden_searches = hidden_searches - 1 WHERE hidden_searches > 0")
    return rows, count


def _from_query(call: Call) -> dict[str, Any]:
    """The parameters of a GET as the body that a POST would have."""
    lists = {name: call.many(name) for name in ("fields", "properties") if name in call.query}
    single = {name: call.one(name) for name in ("jql", "nextPageToken") if name in call.query}
    numbers = {name: call.number(name, 0) for name in ("startAt", "maxResults") if name in call.query}
    return {**lists, **single, **numbers}


def _size(body: Mapping[str, Any], largest: int) -> int:
    size = body.get("maxResults") or PAGE
    if not isinstance(size, int) or size < 1:
        raise RefusedError(400, "The value of 'maxResults' must be a positive number.")
    return min(size, largest)


def _start(token: Any) -> int:
    """Where the page of this token starts; the token says nothing to anyone else."""
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(str(token)).decode().removeprefix("start="))
    except (ValueError, binascii.Error) as error:
        raise RefusedError(400, "The value of 'nextPageToken' is not valid.") from error


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(f"start={start}".encode()).decode()


def _brief(call: Call, row: Row, fields: Sequence[str], properties: Sequence[str]) -> dict[str, Any]:
    """An issue of ``/search/jql``: its id alone, unless fields are asked for."""
    if not fields or set(fields) <= {"id"}:
        answer: dict[str, Any] = {"id": str(row["id"])}
        if properties:
            answer["properties"] = render.issue(call, row, ["-*"], properties)["properties"]
        return answer
    return render.issue(call, row, fields, properties)


def _enhanced(call: Call, body: Mapping[str, Any]) -> Answer:
    if call.site.profile == "dc":
        raise RefusedError(404, "null for uri: /rest/api/2/search/jql")
    query = _check_query(call, str(body.get("jql") or ""))
    if not query.where:
        raise RefusedError(400, UNBOUNDED)
    fields, properties = body.get("fields") or [], body.get("properties") or []
    size = call.page_size(_size(body, LARGEST_PAGE_WITH_FIELDS if fields else LARGEST_PAGE))
    start = _start(body.get("nextPageToken"))
    rows, count = _find(call, query, start, size)
    answer: dict[str, Any] = {"issues": [_brief(call, row, fields, properties) for row in rows]}
    is_last = start + len(rows) >= count
    if not is_last:
        answer["nextPageToken"] = _token(start + len(rows))
    return Answer(200, {**answer, "isLast": is_last})


@route("GET", "/search/jql")
def enhanced_get(call: Call) -> Answer:
    """Search on Cloud: ids only by default, a token to the next page, no total."""
    return _enhanced(call, _from_query(call))


@route("POST", "/search/jql")
def enhanced_post(call: Call) -> Answer:
    """The same with the parameters in the body."""
    return _enhanced(call, call.json_object())


@route("POST", "/search/approximate-count")
def approximate_count(call: Call) -> Answer:
    """How many issues a bounded query finds."""
    query = _check_query(call, str(call.json_object().get("jql") or ""))
    if not query.where:
        raise RefusedError(400, UNBOUNDED)
    return Answer(200, {"count": _find(call, query, 0, 0)[1]})


def _classic(call: Call, body: Mapping[str, Any]) -> Answer:
    if call.site.profile == "cloud":
        raise RefusedError(410, REMOVED)
    query = _check_query(call, str(body.get("jql") or ""))
    start, size = body.get("startAt") or 0, call.page_size(_size(body, 1000))
    rows, count = _find(call, query, start, size)
    fields = body.get("fields") or ["*navigable"]
    found = [render.issue(call, row, fields, body.get("properties") or []) for row in rows]
    return Answer(
        200, {"expand": "names,schema", "startAt": start, "maxResults": size, "total": count, "issues": found}
    )


@route("GET", "/search")
def classic_get(call: Call) -> Answer:
    """Search on Data Center: whole issues and a total. Gone from Cloud (410)."""
    return _classic(call, _from_query(call))


@route("POST", "/search")
def classic_post(call: Call) -> Answer:
    """The same with the parameters in the body."""
    return _classic(call, call.json_object())

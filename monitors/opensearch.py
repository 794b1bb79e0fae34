"""
The only user of opensearch-py. Every call has a timeout, none is retried here, and every error is one of `monitors.errors`.

Certificates are always checked. Reads of monitors say that they are OpenSearch Dashboards: the plugin hides `ui_metadata`
from everybody else, and a PUT of what a plain GET returned would erase it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from django.conf import settings
from opensearchpy import OpenSearch
from opensearchpy.exceptions import ConnectionError as ClientConnectionError
from opensearchpy.exceptions import ConnectionTimeout, OpenSearchException, TransportError

from core.text import storable
from monitors import rehearsing
from monitors.errors import Conflict, NotFound, OpenSearchAway, OpenSearchError, OpenSearchRefused

AS_DASHBOARDS = {"user-agent": "oktadetect OpenSearch-Dashboards"}
MONITORS = "/_plugins/_alerting/monitors"
PAGE, MOST_MONITORS = 500, 10_000
CHANNELS = "/_plugins/_notifications/configs"
CHANNEL_TEST = "/_plugins/_notifications/feature/test"
TEST_SECONDS = 20.0  # the receiver's time to answer, and our own


@cache
def client() -> OpenSearch:
    """Return this process's client. Raises OpenSearchRefused when no address is set."""
    if not settings.OPENSEARCH_URL:
        raise OpenSearchRefused("No OpenSearch is set. Give its address in OPENSEARCH_URL.")
    auth = (settings.OPENSEARCH_USER, settings.OPENSEARCH_PASSWORD) if settings.OPENSEARCH_USER else None
    tls: dict[str, Any] = {}
    if settings.OPENSEARCH_URL.startswith("https://"):
        tls = {"verify_certs": True, "ssl_show_warn": True}
        for name, value in (
            ("ca_certs", settings.OPENSEARCH_CA_FILE),
            ("client_cert", settings.OPENSEARCH_CLIENT_CERT),
            ("client_key", settings.OPENSEARCH_CLIENT_KEY),
        ):
            if value:
                tls[name] = value
    return OpenSearch(
        hosts=[settings.OPENSEARCH_URL],
        http_auth=auth,
        timeout=settings.OPENSEARCH_TIMEOUT_SECONDS,
        max_retries=0,
        retry_on_timeout=False,
        **tls,
    )


def call(
    method: str,
    path: str,
    *,
    body: Any = None,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Any:
    """
    Send one request and return the JSON of its answer.

    Raises OpenSearchAway (not reached, no answer in `timeout` seconds), OpenSearchRefused (401, 403), NotFound (404), Conflict (409)
    or OpenSearchError (any other).
    """
    seconds = timeout or settings.OPENSEARCH_TIMEOUT_SECONDS
    wanted = {**(params or {}), "request_timeout": seconds}  # the client takes out what is its own
    try:
        answer = client().transport.perform_request(method, path, params=wanted, body=body, headers=dict(headers or {}))
    except ConnectionTimeout as error:
        raise OpenSearchAway(f"OpenSearch did not answer within {seconds:g} s.") from error
    except ClientConnectionError as error:
        raise OpenSearchAway(f"OpenSearch at {settings.OPENSEARCH_URL} was not reached.") from error
    except TransportError as error:
        raise _typed(error) from error
    except OpenSearchException as error:
        raise OpenSearchError(f"OpenSearch gave an answer that cannot be read ({type(error).__name__}).") from error
    if not isinstance(answer, dict):
        raise OpenSearchError(
            "OpenSearch gave an answer that is no JSON object; something else may answer at its address."
        )
    return answer


def _typed(error: TransportError) -> OpenSearchError:
    status = error.status_code if isinstance(error.status_code, int) else None
    said = _reason(error.info) or str(error.error)
    message = f"OpenSearch answered {status}: {said[:500]}"
    if status in {401, 403}:
        return OpenSearchRefused(message, status=status)
    if status == 404:
        return NotFound(message, status=status)
    if status == 409:
        return Conflict(message, status=status)
    if status in {502, 503, 504}:
        return OpenSearchAway(message, status=status)
    return OpenSearchError(message, status=status)


def _reason(info: Any) -> str:
    """Return the deepest reason that an error body gives: it names the cause, the outermost only "all shards failed"."""
    if not isinstance(info, Mapping):
        return str(info or "")
    error = info.get("error", info)
    if not isinstance(error, Mapping):
        return str(error)
    root = error.get("root_cause")
    node = root[0] if isinstance(root, list) and root and isinstance(root[0], Mapping) else error
    said = str(node.get("reason") or node.get("type") or "")
    caused = node.get("caused_by") or error.get("caused_by")
    if isinstance(caused, Mapping) and caused.get("reason"):
        said = f"{said} ({caused['reason']})"
    return said


def search(pattern: str, body: Mapping[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
    """
    Run a plain search over an index pattern; one that matches no index answers with no shards. Its text can be stored.

    Rehearsals are never among what it finds, however wide the pattern is, unless their own pattern is asked for.
    """
    answer = call("POST", f"/{_quoted(rehearsing.without(pattern))}/_search", body=body, timeout=timeout)
    found: dict[str, Any] = storable(answer)
    return found


def field_caps(pattern: str, names: Iterable[str] = ("*",)) -> dict[str, dict[str, Any]]:
    """Return `fields` of `_field_caps` over the pattern: {name: {type: {...}}}; empty where there is no index."""
    params = {"fields": ",".join(names), "ignore_unavailable": "true", "allow_no_indices": "true"}
    answer = call("GET", f"/{_quoted(rehearsing.without(pattern))}/_field_caps", params=params)
    found: dict[str, dict[str, Any]] = answer.get("fields", {})
    return found


def newest_index(pattern: str) -> dict[str, Any] | None:
    """Return {"mappings", "settings"} of the youngest index of a pattern; None where there is none. `settings` are its `index.*`."""
    params = {"ignore_unavailable": "true", "allow_no_indices": "true"}
    made = call("GET", f"/{_quoted(rehearsing.without(pattern))}/_settings", params=params)
    if not made:
        return None
    name = max(made, key=lambda one: int(made[one]["settings"]["index"].get("creation_date", 0)))
    mapping = call("GET", f"/{quote(name, safe='')}/_mapping")
    return {"mappings": mapping[name]["mappings"], "settings": made[name]["settings"]["index"]}


def make_index(name: str, body: Mapping[str, Any]) -> None:
    """Make an index; one that is there already stays as it is."""
    try:
        call("PUT", f"/{quote(name, safe='')}", body=body, timeout=30)
    except OpenSearchError as error:
        if "already exists" not in str(error):
            raise


def delete_index(name: str) -> None:
    """Delete an index; one that is gone already is no error."""
    call("DELETE", f"/{quote(name, safe='')}", params={"ignore_unavailable": "true"}, timeout=30)


def put_documents(index: str, documents: Mapping[str, Mapping[str, Any]]) -> None:
    """Write documents under ids of ours, all of which can be searched when this returns. Raises OpenSearchError when one is refused."""
    lines = []
    for document_id, body in documents.items():
        lines += [json.dumps({"index": {"_id": document_id}}), json.dumps(body, ensure_ascii=False)]
    path = f"/{quote(index, safe='')}/_bulk"
    answer = call("POST", path, body="\n".join(lines) + "\n", params={"refresh": "true"}, timeout=60)
    for item in answer["items"]:
        if error := item["index"].get("error"):
            raise OpenSearchError(f"OpenSearch refused a document: {str(error.get('reason'))[:400]}")


def _quoted(pattern: str) -> str:
    return quote(pattern, safe="*,-")


def read_monitor(opensearch_id: str) -> dict[str, Any]:
    """Return {_id, _seq_no, _primary_term, monitor} with ui_metadata. Raises NotFound."""
    answer: dict[str, Any] = call("GET", f"{MONITORS}/{quote(opensearch_id, safe='')}", headers=AS_DASHBOARDS)
    return answer


def create_monitor(body: Mapping[str, Any]) -> dict[str, Any]:
    """Create a monitor and return the answer, as read_monitor. POST is not idempotent: after OpenSearchAway, look before another."""
    answer: dict[str, Any] = call("POST", MONITORS, body=body, headers=AS_DASHBOARDS)
    return answer


def update_monitor(opensearch_id: str, body: Mapping[str, Any], *, seq_no: int, primary_term: int) -> dict[str, Any]:
    """Replace a monitor that nobody changed since `seq_no`. Raises Conflict when somebody did."""
    params = {"if_seq_no": seq_no, "if_primary_term": primary_term}
    path = f"{MONITORS}/{quote(opensearch_id, safe='')}"
    answer: dict[str, Any] = call("PUT", path, body=body, params=params, headers=AS_DASHBOARDS)
    return answer


def delete_monitor(opensearch_id: str) -> None:
    """Delete a monitor. Raises NotFound."""
    call("DELETE", f"{MONITORS}/{quote(opensearch_id, safe='')}")


def find_monitors(name: str) -> list[dict[str, Any]]:
    """Return the monitors of exactly this name, as hits with _id, _seq_no, _primary_term and _source: names are not unique there."""
    body = {"size": 100, "seq_no_primary_term": True, "query": {"term": {"monitor.name.keyword": name}}}
    try:
        answer = call("POST", f"{MONITORS}/_search", body=body, headers=AS_DASHBOARDS)
    except NotFound:
        return []  # no monitor was ever made: the plugin's index is not there yet
    hits: list[dict[str, Any]] = answer["hits"]["hits"]
    return hits


def all_monitors() -> Iterator[dict[str, Any]]:
    """Yield every monitor of the cluster by name, ours and others', as find_monitors does, up to the 10,000 that one search reaches."""
    for begin in range(0, MOST_MONITORS, PAGE):
        page = monitors_page(begin, PAGE)[0]
        yield from page
        if len(page) < PAGE:
            return


def monitors_page(begin: int, size: int, *, words: str = "") -> tuple[list[dict[str, Any]], int]:
    """Return some of the cluster's monitors by name, and how many there are; with `words`, of those whose name holds all of them."""
    wanted = {"match": {"monitor.name": {"query": words, "operator": "and"}}} if words else {"match_all": {}}
    body = {
        "from": begin,
        "size": size,
        "sort": [{"monitor.name.keyword": "asc"}],
        "seq_no_primary_term": True,
        "query": wanted,
    }
    try:
        answer = call("POST", f"{MONITORS}/_search", body=body, headers=AS_DASHBOARDS, timeout=30)
    except NotFound:
        return [], 0  # no monitor was ever made
    return answer["hits"]["hits"], int(answer["hits"]["total"]["value"])


def monitor_alerts(opensearch_id: str) -> list[dict[str, Any]]:
    """Return the newest alerts that OpenSearch keeps for a monitor: their state says whether it was acknowledged there."""
    params = {"monitorId": opensearch_id, "size": 20, "sortString": "start_time", "sortOrder": "desc"}
    answer = call("GET", f"{MONITORS}/alerts", params=params)
    found: list[dict[str, Any]] = answer.get("alerts", [])
    return found


def read_channel(channel_id: str) -> dict[str, Any]:
    """Return a channel's `config`, header values in clear. Raises NotFound."""
    answer = call("GET", f"{CHANNELS}/{quote(channel_id, safe='')}")
    listed = answer.get("config_list", [])
    if not listed:
        raise NotFound(f"OpenSearch has no channel {channel_id}.", status=404)
    config: dict[str, Any] = listed[0]["config"]
    return config


def write_channel(channel_id: str, config: Mapping[str, Any], *, exists: bool) -> None:
    """Create or replace a channel under an id of ours."""
    if exists:
        call("PUT", f"{CHANNELS}/{quote(channel_id, safe='')}", body={"config": config})
    else:
        call("POST", CHANNELS, body={"config_id": channel_id, "name": config["name"], "config": config})


def test_channel(channel_id: str) -> None:
    """Have OpenSearch post its own test message through a channel. Raises NotFound; OpenSearchError says what the receiver answered."""
    try:
        call("GET", f"{CHANNEL_TEST}/{quote(channel_id, safe='')}", timeout=TEST_SECONDS)
    except OpenSearchError as error:
        answered = re.search(
            r'"delivery_status":\s*{\s*"status_code":\s*"\d*",\s*"status_text":\s*"([^"]*)', str(error)
        )
        if answered is None:
            raise
        said = f"OpenSearch could not post its test message there: {answered[1] or 'no answer'}."
        raise OpenSearchError(said, status=error.status) from error


def version(*, timeout: float) -> str:
    """Return the version that answers."""
    answer = call("GET", "/", timeout=timeout)
    return str((answer.get("version") or {}).get("number", "of an unknown version"))


def events_by_uuid(pattern: str, uuid_field: str, uuids: list[str], *, timeout: float) -> list[dict[str, Any]]:
    """Return a hit with its whole `_source` for each event of these uuids, however often it was indexed. Raises OpenSearchError."""
    body = {"size": len(uuids), "query": {"terms": {uuid_field: uuids}}, "collapse": {"field": uuid_field}}
    answer = search(pattern, body, timeout=timeout)
    if answer["_shards"]["failed"] or answer["timed_out"]:
        raise OpenSearchError("OpenSearch gave only a part of the events.")
    hits: list[dict[str, Any]] = answer["hits"]["hits"]
    return hits


def put_document(index: str, document_id: str, body: Mapping[str, Any]) -> None:
    """Write a document under an id of ours; it can be searched when this returns."""
    call(
        "PUT",
        f"/{quote(index, safe='')}/_doc/{quote(document_id, safe='')}",
        body=body,
        params={"refresh": "wait_for"},
        timeout=30,
    )


def put_index_template(name: str, body: Mapping[str, Any]) -> None:
    """Create or replace an index template."""
    call("PUT", f"/_index_template/{quote(name, safe='')}", body=body)

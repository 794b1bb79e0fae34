"""What Jira itself holds, asked by its REST API: the portal's word alone does not count."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.processes import SandboxError

LABEL = "oktadetect"
PAGE = 100
TIMEOUT_SECONDS = 20.0
GONE = {404, 410}  # what a Data Center or a Cloud answers where it has no such search


@dataclass(frozen=True)
class Issue:
    """An issue that carries our label."""

    key: str
    summary: str
    created: datetime

    @property
    def about(self) -> str:
        """Whom its summary names: `Security Alert: <detection> for <entity>`."""
        return self.summary.rpartition(" for ")[2]


def issues_since(environ: Mapping[str, str], since: datetime) -> list[Issue]:
    """Return our issues that Jira has made since then, the newest first. Raises SandboxError."""
    found = []
    for raw in _newest_first(environ):
        fields = raw["fields"]
        issue = Issue(raw["key"], str(fields["summary"]), datetime.fromisoformat(fields["created"]))
        if issue.created < since:
            break
        found.append(issue)
    return found


def _newest_first(environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    project = environ.get("JIRA_PROJECT") or "SEC"
    jql = f'project = "{project}" AND labels = "{LABEL}" ORDER BY created DESC'
    asked: dict[str, Any] = {"jql": jql, "fields": "summary,created", "maxResults": PAGE}
    try:
        page = _get(environ, "search/jql", asked)
    except urllib.error.HTTPError as error:
        if error.code not in GONE:
            raise SandboxError(f"Jira answers {error.code} to a search: {error.read(300)!r}") from error
        yield from _classic(environ, asked)
        return
    yield from page["issues"]
    while page.get("nextPageToken"):
        page = _get(environ, "search/jql", asked | {"nextPageToken": page["nextPageToken"]})
        yield from page["issues"]


def _classic(environ: Mapping[str, str], asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The search of a Data Center, which counts where Cloud hands out tokens."""
    start = 0
    while True:
        page = _get(environ, "search", asked | {"startAt": start})
        yield from page["issues"]
        start += len(page["issues"])
        if not page["issues"] or start >= page["total"]:
            return


def _get(environ: Mapping[str, str], path: str, params: Mapping[str, Any]) -> dict[str, Any]:
    user, token = environ.get("JIRA_USER", ""), environ.get("JIRA_TOKEN", "")
    credential = base64.b64encode(f"{user}:{token}".encode()).decode()
    url = f"{environ['JIRA_URL'].rstrip('/')}/rest/api/2/{path}?{urlencode(params)}"
    request = urllib.request.Request(  # noqa: S310 - the address that the portal itself uses
        url, headers={"Authorization": f"Basic {credential}" if user else f"Bearer {token}"}
    )
    trust = ssl.create_default_context(cafile=environ.get("JIRA_CA_FILE") or None)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=trust) as answer:  # noqa: S310 - as above
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError:
        raise
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise SandboxError(f"Jira at {environ['JIRA_URL']} cannot be asked: {error}") from error

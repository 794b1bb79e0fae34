"""The page of an issue, for people: what a link in the portal opens. Read-only; no script; everything escaped."""

import json
from datetime import UTC, datetime
from html import escape

from . import documents, wiki
from . import site as setup
from .site import Site
from .store import Row, Store

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2125; background: #f7f8f9; margin: 0; }
main { max-width: 60rem; margin: 2rem auto; padding: 1.5rem 2rem; background: #fff;
       border: 1px solid #dcdfe4; border-radius: 8px; }
h1 { font-size: 1.5rem; margin: .25rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
dl { display: grid; grid-template-columns: 8rem 1fr; gap: .25rem 1rem; margin: 0; }
dt, .when { color: #626f86; }
dd { margin: 0; }
.status, .label { border-radius: 3px; padding: 0 .4rem; background: #dcdfe4; }
.done { background: #baf3db; } .indeterminate { background: #cce0ff; }
.body { overflow-wrap: anywhere; }
table { border-collapse: collapse; } th, td { border: 1px solid #dcdfe4; padding: .2rem .5rem; text-align: start; }
article { border-top: 1px solid #dcdfe4; padding: .5rem 0; }
"""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def issue_page(site: Site, store: Store, issue: Row) -> str:
    """HTML of one issue: summary, status, description, links, labels, comments."""
    status = next(s for s in setup.STATUSES if s.id == issue["status"])
    resolution = next((r.name for r in setup.RESOLUTIONS if r.id == issue["resolution"]), "Unresolved")
    facts = {
        "Status": f'<span class="status {status.category}">{escape(status.name)}</span>',
        "Resolution": escape(resolution),
        "Type": escape(next(t.name for t in setup.ISSUE_TYPES if t.id == issue["issuetype"])),
        "Priority": escape(next(p.name for p in setup.PRIORITIES if p.id == issue["priority"])),
        "Labels": " ".join(f'<span class="label">{escape(label)}</span>' for label in store.labels(issue["id"]))
        or "None",
        "Assignee": escape(_name(site, issue["assignee"]) or "Unassigned"),
        "Reporter": escape(_name(site, issue["reporter"])),
        "Created": when(issue["created"]),
        "Updated": when(issue["updated"]),
    }
    description = _prose(issue["description"]) if issue["description"] else "<p>None</p>"
    body = (
        f'<p class="when">{escape(issue["project"])} / {escape(issue["key"])}</p><h1>{escape(issue["summary"])}</h1>'
        f"<dl>{''.join(f'<dt>{name}</dt><dd>{value}</dd>' for name, value in facts.items())}</dl>"
        f'<h2>Description</h2><div class="body">{description}</div>'
        f"{_links(store, issue)}{_attachments(store, issue)}{_comments(site, store, issue)}"
    )
    return _page(f"[{issue['key']}] {issue['summary']}", body)


def missing_page(key: str) -> str:
    """HTML for a key that is not there."""
    return _page("Issue not found", f"<h1>{escape(key)}: there is no such issue</h1>")


def list_page(store: Store) -> str:
    """HTML of the newest hundred issues."""
    rows = store.rows("SELECT key, summary, status FROM issue ORDER BY id DESC LIMIT 100")
    names = {s.id: s.name for s in setup.STATUSES}
    items = "".join(
        f'<tr><td><a href="/browse/{row["key"]}">{row["key"]}</a></td><td>{escape(row["summary"])}</td>'
        f"<td>{escape(names[row['status']])}</td></tr>"
        for row in rows
    )
    return _page("Issues", f"<h1>Issues</h1><table>{items}</table>" if rows else "<h1>No issues yet</h1>")


def _prose(stored: str) -> str:
    """HTML of a description or a comment, which is wiki markup (v2) or a document (v3)."""
    value = json.loads(stored)
    return wiki.to_html(value) if isinstance(value, str) else documents.to_html(value)


def when(milliseconds: int) -> str:
    """A time for people, in UTC."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _name(site: Site, person_id: str | None) -> str:
    person = site.person(person_id)
    return person.name if person else ""


def _links(store: Store, issue: Row) -> str:
    items = []
    kinds = {t.id: t for t in setup.LINK_TYPES}
    for row in store.links(issue["id"]):
        is_inward = row["inward"] == issue["id"]
        other = store.issue(row["outward"] if is_inward else row["inward"])
        verb = kinds[row["type"]].outward if is_inward else kinds[row["type"]].inward
        items.append(
            f'<li>{escape(verb)} <a href="/browse/{other["key"]}">{other["key"]}</a> {escape(other["summary"])}</li>'
        )
    for row in store.rows("SELECT body FROM remote_link WHERE issue = ? ORDER BY id", [issue["id"]]):
        target = json.loads(row["body"])["object"]
        url, title = str(target["url"]), escape(str(target["title"]))
        is_web = url.startswith(("http://", "https://"))
        items.append(
            f'<li><a href="{escape(url)}" rel="noreferrer">{title}</a></li>' if is_web else f"<li>{title}</li>"
        )
    return f"<h2>Links</h2><ul>{''.join(items)}</ul>" if items else ""


def _attachments(store: Store, issue: Row) -> str:
    items = "".join(
        f"<li>{escape(row['filename'])} ({row['size']:,} bytes)</li>" for row in store.attachments(issue["id"])
    )
    return f"<h2>Attachments</h2><ul>{items}</ul>" if items else ""


def _comments(site: Site, store: Store, issue: Row) -> str:
    comments = "".join(
        f'<article><p class="when">{escape(_name(site, row["author"]))}, {when(row["created"])}</p>'
        f'<div class="body">{_prose(row["body"])}</div></article>'
        for row in store.comments(issue["id"])
    )
    return f"<h2>Comments</h2>{comments}" if comments else ""

"""A document as an Atlassian document (API version 3, Cloud). Pure. What is text here is text there: nothing in it is read as markup."""

from collections.abc import Iterator
from typing import Any

from alerts.ticketing.document import Block, Code, Document, Line, Link, Paragraph, Points, Table, inlines

Node = dict[str, Any]


def render(document: Document) -> Node:
    """Return the document in the Atlassian Document Format, version 1."""
    return {"type": "doc", "version": 1, "content": [node for block in document for node in _block(block)]}


def words(node: Any) -> str:
    """Return what a document says, a line for each paragraph or cell: what two of them are compared by, whatever Jira added to it."""
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "text":
        return str(node.get("text") or "")
    inner = "".join(map(words, node.get("content") or []))
    ends_line = node.get("type") in {"paragraph", "heading", "codeBlock", "hardBreak"}
    return inner + "\n" if ends_line else inner


def _block(block: Block) -> Iterator[Node]:
    if isinstance(block, Paragraph):
        yield _paragraph(*block.lines)
    elif isinstance(block, Table):
        rows = [_row("tableHeader", block.head), *(_row("tableCell", row) for row in block.rows)]
        yield {"type": "table", "content": rows}
    elif isinstance(block, Points):
        items = [{"type": "listItem", "content": [_paragraph(item)]} for item in block.items]
        if items:
            yield {"type": "orderedList" if block.numbered else "bulletList", "content": items}
    elif isinstance(block, Code) and block.text:
        yield {"type": "codeBlock", "content": [{"type": "text", "text": block.text}]}


def _paragraph(*lines: Line) -> Node:
    content: list[Node] = []
    for line in lines:
        nodes = [_inline(one) for one in inlines(line)]
        if nodes and content:
            content.append({"type": "hardBreak"})
        content += nodes
    return {"type": "paragraph", "content": content}


def _inline(one: Any) -> Node:
    text = " ".join(one.text.splitlines())
    if isinstance(one, Link):
        return {"type": "text", "text": text, "marks": [{"type": "link", "attrs": {"href": one.href}}]}
    return (
        {"type": "text", "text": text, "marks": [{"type": "strong"}]} if one.strong else {"type": "text", "text": text}
    )


def _row(kind: str, cells: tuple[str, ...]) -> Node:
    return {"type": "tableRow", "content": [{"type": kind, "content": [_paragraph((cell,))]} for cell in cells]}

"""Properties of issues and of comments: JSON that a program keeps there, under a key."""

import json

from . import render
from .calls import Answer, Call, RefusedError, access_issue, route


def _owner(call: Call, kind: str, id_or_key: str) -> int:
    """The id of the issue or comment that a property belongs to; refused with 404 when it is not there."""
    if kind == "issue":
        return int(access_issue(call, id_or_key)["id"])
    found = call.store.row("SELECT id FROM comment WHERE id = ?", [id_or_key])
    if found is None:
        raise RefusedError(404, f"Can not find a comment for the id: {id_or_key}.")
    return int(found["id"])


def _property_keys(call: Call, kind: str, id_or_key: str) -> Answer:
    owner_id = _owner(call, kind, id_or_key)
    prefix = f"{call.api_url}/{kind}/{id_or_key}/properties"
    keys = [{"self": f"{prefix}/{row['key']}", "key": row["key"]} for row in call.store.properties(kind, owner_id)]
    return Answer(200, {"keys": keys})


def _read_property(call: Call, kind: str, id_or_key: str, key: str) -> Answer:
    row = call.store.property(kind, _owner(call, kind, id_or_key), key)
    if row is None:
        raise RefusedError(404, f"The property {key} does not exist.")
    return Answer(200, render.entity_property(row))


def _put_property(call: Call, kind: str, id_or_key: str, key: str) -> Answer:
    try:
        value = json.loads(call.raw_body)
    except ValueError as error:
        raise RefusedError(400, "The value of the property has to be valid JSON.") from error
    is_new = call.store.set_property(kind, _owner(call, kind, id_or_key), key, value)
    return Answer(201 if is_new else 200)


def _delete_property(call: Call, kind: str, id_or_key: str, key: str) -> Answer:
    owner_id = _owner(call, kind, id_or_key)
    _read_property(call, kind, id_or_key, key)
    call.store.write("DELETE FROM property WHERE owner = ? AND owner_id = ? AND key = ?", [kind, owner_id, key])
    return Answer(204)


for _kind in ("issue", "comment"):
    for _method, _path, _handler in (
        ("GET", "/{}/properties", _property_keys),
        ("GET", "/{}/properties/{}", _read_property),
        ("PUT", "/{}/properties/{}", _put_property),
        ("DELETE", "/{}/properties/{}", _delete_property),
    ):
        route(_method, f"/{_kind}{_path}")(lambda call, *found, _h=_handler, _k=_kind: _h(call, _k, *found))

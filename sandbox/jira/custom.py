"""What may be put into a custom field, and how it is kept: as in JSON; an option by its value, a person by their id."""

import re
from typing import Any

from .calls import Call, RefusedError
from .prose import check_body_text
from .site import CustomField

TEXT_LIMIT = 255
DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def check(call: Call, field: CustomField, value: Any) -> Any:
    """A value as it is kept; refused when the field cannot hold it."""
    if value is None:
        return None
    match field.kind:
        case "textarea":
            check_body_text(call, field.id, value)
            return value
        case "select":
            return _option(field, value)
        case "multiselect":
            _refuse_unless(isinstance(value, list), field, "data was not an array")
            return [_option(field, one) for one in value]
        case "user":
            person = call.site.person(
                value.get("name" if call.site.profile == "dc" else "accountId") if isinstance(value, dict) else None
            )
            _refuse_unless(person is not None, field, "data was not a valid user")
            return person.id if person else None
        case "number":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            _refuse_unless(is_number, field, "Operation value must be a number")
        case "date":
            _refuse_unless(bool(DATE.match(str(value))), field, f"Error parsing date string: {value}")
        case _:
            _refuse_unless(isinstance(value, str), field, "Operation value must be a string")
            sentence = f"The entered text is too long. It exceeds the allowed limit of {TEXT_LIMIT} characters."
            _refuse_unless(len(value) <= TEXT_LIMIT, field, sentence)
    return value


def _option(field: CustomField, told: Any) -> str:
    _refuse_unless(
        isinstance(told, dict) and ("value" in told or "id" in told), field, "Specify a valid 'id' or 'value'"
    )
    found = [v for at, v in enumerate(field.options, 1) if told.get("value") == v or str(told.get("id")) == str(at)]
    _refuse_unless(bool(found), field, f"Option value '{told.get('value', told.get('id'))}' is not valid")
    return found[0]


def _refuse_unless(is_right: bool, field: CustomField, sentence: str) -> None:
    if not is_right:
        raise RefusedError(400, errors={field.id: sentence})

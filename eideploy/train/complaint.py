"""What pydantic found wrong, in the words of someone who reads recipes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from eideploy.errors import RecipeError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SHOWN = 5
_HELPED = ("extra_forbidden", "literal_error")

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    tuple: "a list",
}
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def nearest(word: str, valid: Iterable[str]) -> str:
    """A remedy: the valid word that is most like `word`, or all of them."""
    choices = sorted(valid)
    if match := difflib.get_close_matches(word, choices, n=1):
        return f"Did you mean {match[0]!r}?"
    return f"Use one of: {', '.join(choices)}." if choices else "None is available."


def complaint(
    error: ValidationError, schema: type[BaseModel], source: str, section: tuple[str, ...] = ()
) -> RecipeError:
    """A RecipeError that names the source and every wrong key, at most five.

    Args:
        error: what pydantic raised.
        schema: the class that was validated.
        source: the file or option that the values came from.
        section: keys that lead to them.
    """
    found = error.errors(include_url=False)
    lines = [_describe(details, section) for details in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} more")
    # A key that is missing may be one that is misspelt, so that is what gets the remedy.
    helped = next((details for details in found if details["type"] in _HELPED), found[0])
    return RecipeError(f"{source}: " + "; ".join(lines), _remedy(helped, schema))


def _describe(details: ErrorDetails, section: tuple[str, ...]) -> str:
    key = ".".join(map(str, (*section, *details["loc"])))
    if details["type"] == "extra_forbidden":
        return f"unknown key {key!r}"
    if details["type"] == "missing":
        return f"key {key!r} is missing"
    message = details["msg"][0].lower() + details["msg"][1:]
    return f"{key}: {message}, got {details['input']!r}"


def _remedy(details: ErrorDetails, schema: type[BaseModel]) -> str:
    *path, key = details["loc"] or ("",)
    if details["type"] == "extra_forbidden":
        return nearest(str(key), _keys(schema, path))
    if details["type"] == "literal_error":
        expected = str(details["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        return nearest(str(details["input"]), expected.split(", "))
    field = _field(schema, path, key)
    return f"It takes {_taken(field)}." if field else "Correct it and try again."


def _field(schema: type[BaseModel], path: list[Any], key: Any) -> FieldInfo | None:
    """The field that an error is about; None for one inside of a list or a union."""
    for name in path:
        inner = schema.model_fields[name].annotation if name in schema.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return None
        schema = inner
    return schema.model_fields.get(key)


def _taken(field: FieldInfo) -> str:
    """What a field takes, in words: `a whole number ≥ 1, by default 30`."""
    kind = get_origin(field.annotation) or field.annotation
    bounds = [
        f"{sign} {getattr(bound, name)}"
        for bound in field.metadata
        for name, sign in _BOUNDS.items()
        if hasattr(bound, name)
    ]
    taken = " ".join([_WORDS.get(kind, str(field.annotation)), " and ".join(bounds)]).rstrip()
    if field.is_required() or field.default_factory is not None:
        return taken
    return f"{taken}, by default {field.default!r}"


def _keys(schema: type[BaseModel], path: list[Any]) -> list[str]:
    """Valid keys of the section at `path`."""
    for name in path:
        schema = schema.model_fields[name].annotation  # type: ignore[assignment]
    return list(schema.model_fields)

"""YAML as people mean it: no repeated keys, and `1e-3` is a number."""

from __future__ import annotations

import re
from typing import Any

import yaml

from eideploy.errors import RecipeError


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with two of YAML 1.1's traps removed."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", node.value[position][0].start_mark
                )
        return super().construct_mapping(node, deep)


# YAML 1.1 wants a dot and a signed exponent in a float, and takes 1e-3 for a word.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def parse(text: str, source: str) -> Any:
    """The value of a YAML document.

    Args:
        text: the document.
        source: what to call it in an error.

    Raises:
        RecipeError: it is not valid YAML, or repeats a key; names the line.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        where = f"{source}, line {error.problem_mark.line + 1}" if error.problem_mark else source
        raise RecipeError(f"{where}: {error.problem}", "Check the YAML syntax there.") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{source}: not YAML: {error}", "Save it as UTF-8 text.") from error


def dump(value: Any) -> str:
    """YAML text of plain values, keys in the order given."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)

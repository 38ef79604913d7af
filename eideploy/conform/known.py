"""Known differences: where a target is known not to do what is expected, and why.

A list in a YAML file, of cases by name or by pattern (`decay/*`):

    - case: overflow/voltage-*
      reason: The accumulator of this chip has 23 bits.

A target says where its file is by an attribute `known_differences`: a path, or a resource of its
package.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from eideploy.conform.result import Result
from eideploy.errors import InputError
from eideploy.targets import Target

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Difference(BaseModel):
    """A case, or all cases that a pattern matches, and why it is not as expected there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: Text
    reason: Text


@dataclass(frozen=True)
class KnownDifferences:
    """Where a target is known to differ.

    Args:
        differences: the first that matches a case is the one that counts.
        where: the file, for messages.
    """

    differences: tuple[Difference, ...] = ()
    where: str = "no file"

    def reason(self, case: str) -> str | None:
        """Why the case is not as expected, or None where it has to be."""
        return next((d.reason for d in self.differences if fnmatchcase(case, d.case)), None)

    def judge(self, result: Result) -> Result:
        """The result with what is known of it.

        What fails as listed is `known`; what passes although it is listed fails. A target that
        breaks or refuses does not differ: that stays what it is.
        """
        reason = self.reason(result.case)
        if reason is None or result.status not in ("pass", "fail"):
            return result
        if result.status == "fail":
            return replace(result, status="known", reason=f"{reason} ({result.reason})")
        return replace(
            result,
            status="fail",
            reason=f"it passes, and is listed in {self.where} as a known difference: {reason}",
        )

    def check(self, names: Iterable[str]) -> None:
        """Raise `InputError` for a difference that is about none of the cases of these names."""
        names = list(names)
        for difference in self.differences:
            if not any(fnmatchcase(name, difference.case) for name in names):
                near = difflib.get_close_matches(difference.case, names, n=1)
                raise InputError(
                    f"{self.where}: no case is called {difference.case!r}",
                    f"Did you mean {near[0]!r}?" if near else "See `eideploy conform --list`.",
                )


def parse_known(text: str, where: str) -> KnownDifferences:
    """Read a list of known differences.

    Args:
        text: YAML; every entry has a `case` and a `reason`.
        where: file, for messages.

    Raises:
        InputError: it is no YAML, an entry lacks something or has too much, or a case is listed
            twice.
    """
    try:
        content: Any = yaml.safe_load(text)
        found = TypeAdapter(tuple[Difference, ...]).validate_python(content or ())
    except yaml.YAMLError as error:
        raise InputError(f"{where} is not a YAML file: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        entry = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(
            f"{where} does not list known differences: {entry}: {first['msg']}",
            "Each entry is `- case: topic/name` and, below, `reason: a sentence`.",
        ) from error
    cases = [difference.case for difference in found]
    if twice := sorted({case for case in cases if cases.count(case) > 1}):
        raise InputError(f"{where} lists {', '.join(twice)} more than once")
    return KnownDifferences(found, where)


def load_known(path: Path) -> KnownDifferences:
    """Read the file of known differences at `path`.

    Raises:
        InputError: it cannot be read, or as `parse_known`.
    """
    try:
        return parse_known(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def known_differences(target: Target) -> KnownDifferences:
    """Those that a target brings along in its `known_differences`, or none.

    Raises:
        InputError: as `load_known`.
    """
    file: Any = getattr(target, "known_differences", None)
    if file is None:
        return KnownDifferences()
    return load_known(Path(file) if isinstance(file, str) else file)

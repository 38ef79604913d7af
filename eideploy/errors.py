"""The exception tree. Every error a user can cause is one of these and ends with what to do.

EideployError                  exit code
├── InputError                     2      a file, a recipe, an array or an option is wrong
│   ├── GraphError                 2      a NIR graph cannot be read or does not make sense
│   ├── RecipeError                2      a recipe key or value is wrong
│   ├── StimulusError              2      wrong shape, dtype or range of input data
│   └── OutputError                2      a result cannot be written (disk full, read-only …)
├── UnsupportedError               2      well-formed, but this pass or target cannot do it
│   └── QuantizationError          2      no choice of integers fits the declared widths
├── MissingComponentError          3      an optional component or a data set is missing
└── TargetError                    1      a target failed while running (a worker died, time-out)
"""

from __future__ import annotations

from typing import ClassVar


class EideployError(Exception):
    """Base of all errors that eideploy raises on purpose.

    Args:
        what: what failed, with where, expected and got; one or two sentences.
        remedy: what the user can do about it; printed on a line of its own.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}" if self.remedy else self.what


class InputError(EideployError):
    """Something the user handed in is wrong."""


class GraphError(InputError):
    """A NIR graph cannot be read or does not make sense."""


class RecipeError(InputError):
    """A recipe has an unknown key or a bad value."""


class StimulusError(InputError):
    """Input data has the wrong shape, dtype or range."""


class OutputError(InputError):
    """A result cannot be written; what was there before is untouched."""


class UnsupportedError(EideployError):
    """Well-formed, but this pass or this target cannot do it."""


class QuantizationError(UnsupportedError):
    """No choice of integers fits the declared widths."""


class EideployWarning(UserWarning):
    """Something was wrong with the input and was put right."""


class MissingComponentError(EideployError):
    """An optional component is not installed, or a data set is missing."""

    exit_code = 3


class TargetError(EideployError):
    """A target failed while running."""

    exit_code = 1

"""Words and signs for what became of cases, the same in every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from eideploy.conform.result import Conformance, Result, Status

SIGNS: dict[Status, str] = {
    "pass": "✓",
    "fail": "✗",
    "known": "≠",
    "unsupported": "–",
    "error": "!",
    "skipped": "○",
}
"""One for each status, so that nothing depends on colour."""

WORDS: dict[Status, str] = {
    "fail": "failed",
    "error": "broke",
    "known": "known to differ",
    "unsupported": "unsupported",
    "skipped": "skipped",
}
"""What to say of the cases that did not pass, the worst first."""


def tally(results: Sequence[Result]) -> str:
    """How many passed, and what became of the others: `10/12 (2 unsupported)`."""
    counts = Counter(result.status for result in results)
    others = [f"{counts[status]} {word}" for status, word in WORDS.items() if counts[status]]
    passed = f"{counts['pass']}/{len(results)}"
    return f"{passed} ({', '.join(others)})" if others else passed


def worst(results: Sequence[Result]) -> Status:
    """The status that counts most in a group of cases; `skipped` of none."""
    found = {result.status for result in results}
    return next((status for status in (*WORDS, "pass") if status in found), "skipped")


def titles(conformances: Sequence[Conformance]) -> tuple[str, ...]:
    """The target of each column, and in what it differs from other columns of the same target.

    That is its options, or, where they are the same, a version of what it ran on.
    """
    named = []
    for one in conformances:
        peers = [other for other in conformances if other.target == one.target]
        telling = _telling(one.options, [peer.options for peer in peers])
        if not telling:
            telling = _telling(one.environment, [peer.environment for peer in peers])[:1]
        named.append(f"{one.target} ({', '.join(telling)})" if telling else one.target)
    return tuple(named)


def _telling(facts: Mapping[str, str], others: Sequence[Mapping[str, str]]) -> list[str]:
    """Those facts in which one of the others differs."""
    return [
        f"{name}={value}"
        for name, value in facts.items()
        if any(other.get(name) != value for other in others)
    ]


def all_topics(conformances: Sequence[Conformance]) -> tuple[str, ...]:
    """The topics of all columns, in the order in which they come up."""
    return tuple(dict.fromkeys(topic for one in conformances for topic in one.topics))

"""Cases and what is expected of them change only on purpose: their digests are written down.

`pytest tests/conform/test_golden.py --write-golden` writes them anew; the difference belongs in the
commit that changes a case, and a case whose name stays keeps its meaning.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import pytest

from eideploy.conform import Case
from eideploy.conform.cases import MODULES, suite
from eideploy.conform.digest import case_digest, trace_digest
from eideploy.conform.expected import expected
from eideploy.files import write_text

GOLDEN = Path(__file__).with_name("digests.json")
LEAST = 200
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*")

REMEDY = (
    "If that is what you meant: pytest tests/conform/test_golden.py --write-golden, and commit "
    f"{GOLDEN.name} with it."
)

Digests = dict[str, dict[str, str]]


def digests(cases: Iterable[Case]) -> Digests:
    """What there is to say of cases, by name."""
    return {
        case.name: {"case": case_digest(case), "expected": trace_digest(expected(case))}
        for case in cases
    }


def changes(golden: Digests, found: Digests) -> list[str]:
    """What of the cases found is not as it was written down, a sentence for each."""
    changed = []
    for name, now in found.items():
        before = golden.get(name)
        if before is None:
            changed.append(f"{name} is new.")
        elif now["case"] != before["case"]:
            changed.append(f"{name} has another network, stimulus or options.")
        elif now["expected"] != before["expected"]:
            changed.append(f"{name} is as it was, but the oracle expects another trace.")
    return changed


@pytest.fixture(scope="module")
def golden(request: pytest.FixtureRequest) -> Digests:
    """The digests that are written down; those of all cases there are now, where asked for."""
    if request.config.getoption("--write-golden"):
        write_text(GOLDEN, json.dumps(digests(suite()), indent=1, sort_keys=True) + "\n")
    written: Digests = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return written


@pytest.mark.parametrize("module", MODULES)
def test_cases_are_as_they_were(golden: Digests, module: str) -> None:
    cases = import_module(f"eideploy.conform.cases.{module}").cases()
    changed = changes(golden, digests(cases))
    if changed:
        pytest.fail("\n".join([*changed, REMEDY]), pytrace=False)


def test_no_case_is_gone(golden: Digests) -> None:
    gone = sorted(set(golden) - {case.name for case in suite()})
    if gone:
        listed = "\n".join(f"{name} is gone, and others list cases by name." for name in gone)
        pytest.fail(f"{listed}\n{REMEDY}", pytrace=False)


def test_a_change_is_named() -> None:
    old = {"a/b": {"case": "1", "expected": "1"}}
    assert changes(old, old) == []
    assert changes({}, old) == ["a/b is new."]
    assert changes(old, {"a/b": {"case": "2", "expected": "2"}}) == [
        "a/b has another network, stimulus or options."
    ]
    assert changes(old, {"a/b": {"case": "1", "expected": "2"}}) == [
        "a/b is as it was, but the oracle expects another trace."
    ]


def test_names_are_unique_and_well_formed_and_enough() -> None:
    names = [case.name for case in suite()]
    assert not [name for name, count in Counter(names).items() if count > 1]
    assert not [name for name in names if not NAME.fullmatch(name)]
    assert len(names) >= LEAST


def test_claims_are_sentences() -> None:
    """They begin with a capital, a symbol or an equation, and end with a full stop."""
    poor = {
        case.name: case.claim
        for case in suite()
        if re.match(r"[a-z]{2,} (?!=)", case.claim)
        or not case.claim.endswith(".")
        or len(case.claim.split()) < 4
    }
    assert not poor

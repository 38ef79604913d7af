"""The support matrix that is published is what a run of the suite says today."""

from __future__ import annotations

import pytest
import support_matrix


@pytest.mark.lava
def test_the_published_matrix_is_that_of_a_new_run() -> None:
    pytest.importorskip("lava")
    pytest.importorskip("onnxruntime")
    columns = list(support_matrix.columns())
    assert {column.target: column.verdict for column in columns} == dict.fromkeys(
        support_matrix.TARGETS, "pass"
    )
    for page, text in support_matrix.pages(columns).items():
        assert page.read_text(encoding="utf-8") == text, f"{page.name} is stale: make matrix"

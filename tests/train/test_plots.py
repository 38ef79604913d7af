"""The page about a training: what it measures, what it shows, and what it does without."""

from __future__ import annotations

import base64
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from norse.torch import SequentialState
from torch import nn

from eideploy.cells import LIF, EIConv2d, EILinear, ResidualBlock
from eideploy.errors import MissingComponentError, OutputError
from eideploy.train import Recipe, Run, build_network, override
from eideploy.train.plots import page as pages
from eideploy.train.plots import write_training_report
from eideploy.train.plots.histogram import TAIL, Accumulator
from eideploy.train.plots.measure import activity_of, layers_of
from eideploy.train.plots.pictures import Cell, Column, curves, percent, small_multiples


class Page(HTMLParser):
    """Text, pictures and table rows of a page, and everything that it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: dict[str, str] = {}
        self.loads: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.images[values["alt"]] = values["src"]
        self.loads += [values[name] for name in ("src", "href") if name in values]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


def picture(page: Page, alt: str) -> bytes:
    (source,) = [source for text, source in page.images.items() if re.search(alt, text)]
    return base64.b64decode(source.split(",", 1)[1])


def test_a_histogram_counts_every_value_once() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=5000).astype(np.float32)
    values[:100], values[100:103] = 0.0, [np.nan, np.inf, -np.inf]
    seen = Accumulator().add(torch.from_numpy(values)).histogram()
    valued = values[103:]
    low, high = np.quantile(valued, [TAIL, 1 - TAIL])
    inside = int(np.count_nonzero((valued >= low) & (valued <= high)))
    assert (seen.zeros, seen.not_finite, seen.total) == (100, 3, 5000)
    assert seen.zero_share == 0.02
    assert abs(int(seen.counts.sum()) - inside) <= 2  # edges of bins are rounded to float32
    assert seen.counts.sum() + seen.outside == len(valued)
    assert seen.edges[0], seen.edges[-1] == pytest.approx((low, high))
    assert seen.mean == pytest.approx(valued.sum(dtype=np.float64) / 4997, rel=1e-5)


def test_a_histogram_grows_batch_by_batch_in_the_bins_of_the_first_values() -> None:
    counted = Accumulator().add(torch.zeros(7)).add(torch.arange(1.0, 101.0))
    edges = counted.histogram().edges
    counted.add(torch.tensor([50.0, 50.0, 1e6, -3.0]))
    seen = counted.histogram()
    assert np.array_equal(seen.edges, edges)
    assert seen.edges[0] == 0  # positive values that come near to 0 are shown from 0 on
    assert seen.counts[np.searchsorted(edges, 50.0) - 1] >= 3
    assert (seen.zeros, seen.total) == (7, 111)
    assert seen.outside == np.count_nonzero(np.arange(1, 101) > edges[-1]) + 2


def test_values_that_are_all_one_have_bins_around_them() -> None:
    seen = Accumulator().add(torch.full((16,), -0.5)).histogram()
    assert seen.edges[0] < -0.5 < seen.edges[-1]
    assert seen.counts.sum() == 16


@pytest.fixture
def residual() -> SequentialState:
    torch.manual_seed(1)
    body = SequentialState(EIConv2d(8, 8, 3, padding=1), LIF())
    return SequentialState(
        EIConv2d(2, 8, 3, padding=1),
        LIF(threshold=0.5),
        ResidualBlock(body, SequentialState()),
        nn.Flatten(start_dim=2),
        EILinear(8 * 25, 3, divisive=False),
    ).eval()


def test_layers_are_found_in_blocks_with_what_they_drive(residual: SequentialState) -> None:
    layers = layers_of(residual)
    assert [(layer.name, layer.neuron, layer.threshold) for layer in layers] == [
        ("ei1", "lif1", 0.5),
        ("ei2", "lif2", 1.0),
        ("readout", None, None),
    ]
    assert list(layers[0].weights) == ["W_EE", "W_IE", "W_EI", "g_I", "g_E", "b"]
    assert list(layers[2].weights) == ["W_EE", "W_IE", "W_EI"]  # a readout uses nothing else
    assert layers[0].parameters == 8 * 18 + 2 * 18 + 16 + 2 + 8 + 8
    assert layers[0].weights["b"].zero_share == 1


def test_zeros_among_the_weights_are_counted(residual: SequentialState) -> None:
    with torch.no_grad():
        residual[0].weight_ee[:4] = 0  # 72 of 144 + 36 + 16
    assert layers_of(residual)[0].zero_share == pytest.approx(72 / 196)


def test_currents_and_rates_are_those_of_the_network(residual: SequentialState) -> None:
    x = np.random.default_rng(0).random((11, 6, 2, 5, 5), dtype=np.float32)
    x[:, 3] = 0  # a step without input: B and S are 0, and I is the bias
    told: list[tuple[int, int]] = []
    seen = activity_of(
        residual, layers_of(residual), x, lambda done, total: told.append((done, total))
    )
    first = residual[0]
    with torch.no_grad():
        merged = torch.from_numpy(x).flatten(0, 1)
        i_ee = nn.functional.conv2d(merged, first.weight_ee, padding=1)
        i_ie = nn.functional.conv2d(merged, first.weight_ie, padding=1)
        balanced = i_ee - torch.einsum("ei,nihw->nehw", first.weight_ei, i_ie)
        scaled = first.weight_ei * first.gain_i
        shunt = torch.einsum("ei,nihw->nehw", scaled, i_ie)
        current = torch.where(shunt > 0, first.gain_e.view(-1, 1, 1) * balanced / shunt, 0.0)
        spikes, _ = LIF(threshold=0.5)(current.unflatten(0, (11, 6)).transpose(0, 1))
    currents = seen["ei1"].currents
    assert currents["B"].mean == pytest.approx(balanced.mean().item(), abs=1e-5)
    assert currents["S"].mean == pytest.approx(shunt.mean().item(), rel=1e-4)
    assert currents["I"].mean == pytest.approx(current.mean().item(), abs=1e-4)
    assert currents["S"].zero_share == currents["I"].zero_share == pytest.approx(1 / 6)
    np.testing.assert_allclose(seen["ei1"].rates, spikes.mean((0, 1)), atol=1e-6)
    assert list(seen["readout"].currents) == ["B"]
    assert seen["readout"].rates is None
    assert told == [(8, 11), (11, 11)]


def test_the_page_holds_everything_and_loads_nothing(small_run: Run, tmp_path: Path) -> None:
    path = write_training_report(small_run, tmp_path / "page.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert len(page.images) == 4
    assert all(source.startswith("data:image/") for source in page.loads)
    for alt in ("Loss, accuracy", "Firing rate", "weights", "currents"):
        root = ElementTree.fromstring(picture(page, alt))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
    head, *rows = page.rows
    assert head[-1] == "floor s_min"
    assert [row[0] for row in rows] == ["ei1 → lif1", "ei2 → lif2", "readout"]
    weights = small_run.weights
    parameters = sum(value.numel() for name, value in weights.items() if name.startswith("0."))
    assert rows[0][1] == f"{parameters - 1:,}"  # all but the floor
    assert float(rows[0][-1]) == pytest.approx(small_run.floors["ei1"], rel=5e-3)
    assert f"{small_run.metrics['test_accuracy']:.2f} %" in page.text
    assert "neuron:" in page.text  # the recipe


def test_the_page_lies_in_the_run_if_nothing_is_said(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "to_html", lambda run, progress: run.name)
    assert write_training_report(replace(small_run, path=tmp_path)) == tmp_path / "training.html"
    assert (tmp_path / "training.html").read_text(encoding="utf-8") == "digits_mlp"
    assert [path.name for path in tmp_path.iterdir()] == ["training.html"]


def test_a_run_without_history_or_floors(small_run: Run) -> None:
    """As an imported one is."""
    page = Page(pages.to_html(replace(small_run, metrics={}, floors=None)))
    assert len(page.images) == 2
    assert "This run has no history" in page.text
    assert "floor s_min" not in page.rows[0]


def test_rows_of_a_history_may_lack_layers(small_run: Run) -> None:
    epochs = [
        {k: v for k, v in row.items() if k != "layers"} for row in small_run.metrics["epochs"]
    ]
    page = Page(pages.to_html(replace(small_run, metrics={"epochs": epochs})))
    assert len(page.images) == 3


def test_without_its_data_set_the_page_says_so(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def samples(run: Run) -> None:
        raise MissingComponentError("data set digits is not at /here")

    monkeypatch.setattr(Run, "samples", samples)
    page = Page(pages.to_html(small_run))
    assert "Not measured: data set digits is not at /here." in page.text
    assert len(page.images) == 3
    assert page.rows[1][2:5] == [page.rows[1][2], "–", "–"]


def test_a_batchnorm_twin_has_no_columns_of_inhibition(small_recipe: Recipe) -> None:
    recipe = override(small_recipe, ["model.inhibition=false"])
    run = Run(Path("twin"), recipe, build_network(recipe).state_dict(), {}, None)
    page = Page(pages.to_html(run))
    assert page.rows[0] == [
        *("layer", "parameters", "weights that are 0", "neurons", "firing rate", "silent neurons")
    ]
    assert [row[0] for row in page.rows[1:]] == ["linear1 → lif1", "linear2 → lif2", "readout"]
    assert list(layers_of(run.network("adaptive"))[0].weights) == ["W", "γ", "β"]


def test_names_are_escaped(small_run: Run) -> None:
    evil = "<script>alert('$x^$')</script>"
    recipe = small_run.recipe.model_copy(update={"name": evil, "description": evil})
    text = pages.to_html(replace(small_run, recipe=recipe, metrics={}))
    assert "<script" not in text
    assert evil in Page(text).text


def test_the_learning_rate_is_that_of_the_schedule(small_recipe: Recipe) -> None:
    recipe = override(
        small_recipe,
        ["training.epochs=4", "schedule.warmup_epochs=1", "optimizer.lr=0.2"],
    )
    rates = pages._learning_rates(recipe, points_per_epoch=10)
    assert len(rates) == 41
    assert rates[0] == pytest.approx(1e-7)
    assert rates[5] == pytest.approx(0.1, rel=1e-5)
    assert rates[10] == pytest.approx(0.2)
    assert rates[25] == pytest.approx(0.2 * (1 + math.cos(math.pi / 2)) / 2)
    assert rates[40] == pytest.approx(0, abs=1e-12)


def test_a_promise_is_drawn() -> None:
    row = {"epoch": 1, "loss": 1.0, "train_accuracy": 50.0, "test_accuracy": 40.0}
    rates = np.ones(3)
    without, promised = curves([row], rates, None), curves([row], rates, 90.0)
    svg = [base64.b64decode(uri.split(",", 1)[1]).decode() for uri in (without, promised)]
    assert [text.count("stroke-dasharray") for text in svg] == [0, 1]


def test_many_panels_are_made_of_pixels() -> None:
    cell = Cell(Accumulator().add(torch.arange(1.0, 20.0)).histogram())
    columns = {"W_EE": Column("W", "weight", "#000000")}
    few = small_multiples({f"ei{i}": {"W_EE": cell} for i in range(3)}, columns)
    many = small_multiples({f"ei{i}": {"W_EE": cell} for i in range(41)}, columns)
    assert few.startswith("data:image/svg+xml;")
    assert many.startswith("data:image/png;")


def test_a_page_that_cannot_be_written(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "to_html", lambda run, progress: run.name)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OutputError):
        write_training_report(small_run, blocked / "page.html")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0"), (1, "100"), (1e-5, "<0.1"), (0.99999, ">99.9"), (0.1234, "12.3"), (0.998, "99.8")],
)
def test_a_share_is_0_or_100_only_if_it_is(share: float, text: str) -> None:
    assert percent(share) == text

"""Plots for notebooks: each draws the numbers of the tree on the given axis."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast import names, plots
from tests.support.tiny_run_folder import make_run


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[xr.DataTree]:
    with make_run(tmp_path_factory.mktemp("home"), designs=("none",)).projection as opened:
        yield opened.load()


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


def heights(axes: Axes, at: int) -> np.ndarray:
    return np.asarray(axes.lines[at].get_ydata(), float)


def test_cohesion_is_drawn_with_its_median(tree: xr.DataTree, axes: Axes) -> None:
    assert plots.cohesion_fan(axes, tree, war="lose") is axes
    data = tree["alliance"]["cohesion"].sel(war="lose", design="none", quantile=0.5)
    np.testing.assert_array_equal(heights(axes, -1), data.values)
    assert len(axes.patches) == 2  # 50 and 80 %
    assert "lose" in axes.get_title(loc="left")


def test_verdicts_fill_the_axis_and_are_labelled(tree: xr.DataTree, axes: Axes) -> None:
    plots.verdict_areas(axes, tree)
    assert [text.get_text() for text in axes.texts] == list(names.VERDICTS)
    assert max(p.get_xy()[:, 1].max() for p in axes.patches) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("member", ["FRA", "ISL"])
def test_observed_and_forecast_spending_are_drawn(tree: xr.DataTree, axes: Axes, member: str) -> None:
    plots.spending_fan(axes, tree, member)
    data = tree["members"].to_dataset().sel(member=member, war="neutral", design="none")
    forecast_median = data["spending_share"].sel(quantile=0.5).values
    np.testing.assert_array_equal(heights(axes, -1)[-forecast_median.size :], forecast_median)
    past = np.concatenate([heights(axes, 0), heights(axes, 1)])
    observed = data["spending_history"].values
    np.testing.assert_array_equal(past, observed[np.isfinite(observed)])


def test_survival_curves_are_labelled_and_end_with_the_mission(tree: xr.DataTree, axes: Axes) -> None:
    plots.mission_curves(axes, tree, "unifil")
    named = {line.get_label(): line for line in axes.lines if not str(line.get_label()).startswith("_")}
    assert set(named) == {"nominal participation", "operational contribution"}
    assert len(np.asarray(named["nominal participation"].get_xdata())) == 4


def test_a_contrast_is_taken_path_by_path(tree: xr.DataTree, axes: Axes) -> None:
    plots.contrast(axes, tree, against="win")
    named = {str(line.get_label()): line for line in axes.lines}
    assert {"neutral", "lose", "stalemate"} <= set(named) and "win" not in named
    data = tree["joint"]["joint_cohesion"].sel(design="none")
    apart = (data.sel(war="lose") - data.sel(war="win")).mean("path").values
    # sums of six numbers in another order, single precision
    np.testing.assert_allclose(np.asarray(named["lose"].get_ydata()), apart, atol=1e-6)


def test_a_plot_can_be_saved(tree: xr.DataTree, axes: Axes, tmp_path: Path) -> None:
    plots.mission_curves(axes, tree, "kfor")
    axes.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.case("B05", "B06")
def test_a_users_style_is_kept_and_names_are_text(tree: xr.DataTree) -> None:
    """The font is the user's; a title or a legend is no formula, even where the style sets text with LaTeX."""
    style = {"text.usetex": True, "font.size": 20, "figure.dpi": 50}
    with matplotlib.rc_context(style):
        before = dict(matplotlib.rcParams)
        left, right = Figure().subplots(1, 2)
        plots.mission_curves(left, tree, "kfor")
        plots.contrast(right, tree)
        assert dict(matplotlib.rcParams) == before
    for axes in (left, right):
        legend = axes.get_legend()
        assert legend is not None
        for text in (axes.title, axes._left_title, axes.yaxis.label, *legend.get_texts()):  # type: ignore[attr-defined]
            assert not text.get_text() or (text.get_usetex(), text.get_parse_math()) == (False, False)
    assert left.figure.dpi == 50

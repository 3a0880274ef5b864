"""Reading a posterior of cohesion: indices, verdicts and scores against arithmetic done by hand."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from forecast.data.cohesion_indicators import indicator_panel
from forecast.evaluation import scoring
from forecast.evaluation.backtests import cohesion as backtest_cohesion
from forecast.models import cohesion
from forecast.models.cohesion import Samples
from forecast.names import FACTORS
from forecast.projection import acceptance_checks
from forecast.projection.parameter_draws.assemble import assemble_draws, start_from_posterior
from forecast.workspace.resolve import build_roster
from tests.support import fake_posteriors as our


@pytest.fixture(scope="module")
def samples() -> Samples:
    return our.cohesion_samples()


@pytest.fixture(scope="module")
def panel() -> xr.Dataset:
    return indicator_panel(our.tables(), our.priors().grid)


def test_index_and_halves(samples: Samples) -> None:
    w, f = samples["factor_weights"].values, samples["factor_state"].values
    assert cohesion.index(samples).values == pytest.approx(np.einsum("sf,stf->st", w, f))
    civil = (w[:, None] * f)[:, :, [0, 2, 3]].sum(axis=2) / w[:, [0, 2, 3]].sum(axis=1)[:, None]
    assert cohesion.political(samples).values == pytest.approx(civil)
    hard = samples["subfactor_state"].sel(subfactor=["military_adaptation", "burden_sharing"])
    both = (f[:, :, 1] + hard.mean("subfactor").values) / 2
    assert cohesion.military(samples).values == pytest.approx(both)
    signs = xr.DataArray([-1.0, 1.0, 0.5, -0.5], dims="factor")
    assert float(cohesion.discordance(signs)) == pytest.approx(0.79, abs=0.005)  # as in 0.2


def test_verdict_probabilities_are_an_ordered_probit(samples: Samples) -> None:
    found = cohesion.verdict_probability(samples)
    assert found.sum("verdict").values == pytest.approx(1.0)
    level = cohesion.index(samples).isel(year=7).values
    seen = stats.norm(level, samples["rater_sd"].values)
    low = samples["cut_lower"].values
    weak, fair = seen.cdf(low), seen.cdf(low + samples["cut_gap"].values)
    wanted = [weak.mean(), (fair - weak).mean(), (1 - fair).mean()]
    assert found.isel(year=7).values == pytest.approx(wanted)


def test_scores_of_verdicts(panel: xr.Dataset) -> None:
    verdict = panel["verdict"]
    sure = (xr.DataArray(np.arange(3), dims="verdict") == verdict).astype(float)
    assert not scoring.verdict_rps(sure, verdict).values.any()
    rivals = backtest_cohesion.baselines(panel)
    # 1999 F, 2001 S, 2003 W, 2011 F, 2019 W, 2022 S: the one before is never right, twice off by two.
    flat = [0.33**2 + 0.26**2, 0.33**2 + 0.74**2, 0.67**2 + 0.26**2]
    assert scoring.verdict_rps(rivals["climatology"], verdict).values == pytest.approx(
        [flat[0], flat[1], flat[2], flat[0], flat[2], flat[1]]
    )
    stale = scoring.verdict_rps(rivals["persistence"], verdict).values
    assert stale == pytest.approx([flat[0], 1, 2, 1, 1, 2])
    assert cohesion.hits(rivals["climatology"], panel).values.sum() == pytest.approx(2.0)


def test_what_is_told_of_cohesion(samples: Samples, panel: xr.Dataset) -> None:
    told = acceptance_checks.check_cohesion_model(samples, panel)
    assert set(told["anchors"]) == {"1999", "2001Q4", "2003Q1", "2011", "2019Q4", "2022Q2"}
    assert sum(told["verdict"].values()) == pytest.approx(1.0)
    assert told["start"]["norms"]["upper"] < 0 < told["start"]["institutions"]["mean"]
    assert told["met"] is True  # invented states are independent
    same = {**samples, "subfactor_state": samples["subfactor_state"] * 0.0}
    flat = samples["factor_state"].sel(factor="norms", drop=True).expand_dims(factor=list(FACTORS))
    same["factor_state"] = flat.transpose("sample", "year", "factor")
    assert acceptance_checks.check_cohesion_model(same, panel)["met"] is False


def test_a_projection_starts_where_it_is_told(samples: Samples) -> None:
    plan = our.smoke()
    roster, every = build_roster(our.tables(), plan, our.priors()), our.all_samples()
    draws = assemble_draws(every, our.panel(), our.priors(), roster, our.SEED)
    neutral, now = draws.parameters, start_from_posterior(draws, every["cohesion"]).parameters
    assert not neutral["factor_start"].any()
    mine = every["cohesion"]
    assert (now["factor_start"] == mine["factor_state"].isel(year=-1).values).all()
    assert (now["weights"] == mine["factor_weights"].values).all()
    assert (now["verdict_high"] > now["verdict_low"]).all()
    for name in ("kappa", "cohesion_effect", "collapse_shock"):
        assert (neutral[name] == now[name]).all()


def test_each_anchor_is_judged_without_its_own_label(panel: xr.Dataset) -> None:
    asked: list[list[float]] = []

    def refit(vectors: Any, report: Any) -> tuple[xr.DataTree, float]:
        asked.append(vectors["keep"].tolist())
        named = our.cohesion_samples(seed=len(asked)).items()
        chains = {k: v.rename(sample="draw").expand_dims(chain=[0]) for k, v in named}
        return xr.DataTree.from_dict({"posterior": xr.Dataset(chains)}), 1.0

    rows = backtest_cohesion.left_out(panel, refit, our.SEED, lambda what, part: None)
    assert asked == (1.0 - np.eye(6)).tolist()
    assert rows.groupby("forecaster").size().to_dict() == dict.fromkeys(("model", "persistence", "climatology"), 6)
    last = our.cohesion_samples(seed=6)
    p = cohesion.anchor_probability(last, panel).isel(anchor=5).values
    row = rows[(rows["forecaster"] == "model") & (rows["origin"] == "2022Q2")].iloc[0]
    assert row["given"] == pytest.approx(p[2])  # Strong
    assert row["rps"] == pytest.approx(p[0] ** 2 + (p[0] + p[1]) ** 2)

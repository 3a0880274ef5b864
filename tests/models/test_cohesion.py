"""Indices, verdicts and scores of a cohesion posterior, compared with calculations by hand."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from forecast.data.cohesion_indicators import indicator_panel
from forecast.evaluation.backtests import cohesion as backtest_cohesion
from forecast.evaluation.scoring import rps
from forecast.models import cohesion
from forecast.models.cohesion import Samples
from forecast.names import FACTORS
from forecast.projection import acceptance_checks
from forecast.projection.parameter_draws.assemble import assemble_draws, start_from_posterior
from forecast.workspace.resolve import build_roster
from tests.support import fake_posteriors


@pytest.fixture(scope="module")
def samples() -> Samples:
    return fake_posteriors.cohesion_samples()


@pytest.fixture(scope="module")
def panel() -> xr.Dataset:
    return indicator_panel(fake_posteriors.tables(), fake_posteriors.priors().grid)


def test_index_and_halves_match_calculation_by_hand(samples: Samples) -> None:
    w, f = samples["factor_weights"].values, samples["factor_state"].values
    assert cohesion.index(samples).values == pytest.approx(np.einsum("sf,stf->st", w, f))
    civil = (w[:, None] * f)[:, :, [0, 2, 3]].sum(axis=2) / w[:, [0, 2, 3]].sum(axis=1)[:, None]
    assert cohesion.political(samples).values == pytest.approx(civil)
    hard = samples["subfactor_state"].sel(subfactor=["military_adaptation", "burden_sharing"])
    both = (f[:, :, 1] + hard.mean("subfactor").values) / 2
    assert cohesion.military(samples).values == pytest.approx(both)
    signs = xr.DataArray([-1.0, 1.0, 0.5, -0.5], dims="factor")
    assert float(cohesion.discordance(signs)) == pytest.approx(0.79, abs=0.005)  # the value of version 0.2


def test_verdict_probabilities_match_an_ordered_probit(samples: Samples) -> None:
    probability = cohesion.verdict_probability(samples)
    assert probability.sum("verdict").values == pytest.approx(1.0)
    level = cohesion.index(samples).isel(year=7).values
    judged = stats.norm(level, samples["rater_sd"].values)
    low = samples["cut_lower"].values
    weak, fair = judged.cdf(low), judged.cdf(low + samples["cut_gap"].values)
    wanted = [weak.mean(), (fair - weak).mean(), (1 - fair).mean()]
    assert probability.isel(year=7).values == pytest.approx(wanted)


def test_scores_of_verdicts(panel: xr.Dataset) -> None:
    verdict = panel["verdict"]
    sure = (xr.DataArray(np.arange(3), dims="verdict") == verdict).astype(float)
    assert not rps(sure.transpose("anchor", "verdict"), verdict).any()
    rivals = backtest_cohesion.baselines(panel)
    # Verdicts: 1999 F, 2001 S, 2003 W, 2011 F, 2019 W, 2022 S. The previous verdict is never right, twice off by two.
    flat = [0.33**2 + 0.26**2, 0.33**2 + 0.74**2, 0.67**2 + 0.26**2]
    assert rps(rivals["climatology"], verdict) == pytest.approx([flat[0], flat[1], flat[2], flat[0], flat[2], flat[1]])
    stale = rps(rivals["persistence"], verdict)
    assert stale == pytest.approx([flat[0], 1, 2, 1, 1, 2])
    assert cohesion.hits(rivals["climatology"], panel).values.sum() == pytest.approx(2.0)


def test_acceptance_check_of_the_cohesion_model(samples: Samples, panel: xr.Dataset) -> None:
    check = acceptance_checks.check_cohesion_model(samples, panel)
    assert set(check["anchors"]) == {"1999", "2001Q4", "2003Q1", "2011", "2019Q4", "2022Q2"}
    assert sum(check["verdict"].values()) == pytest.approx(1.0)
    assert check["start"]["norms"]["upper"] < 0 < check["start"]["institutions"]["mean"]
    assert check["met"] is True  # the synthetic states are independent
    identical = {**samples, "subfactor_state": samples["subfactor_state"] * 0.0}
    flat = samples["factor_state"].sel(factor="norms", drop=True).expand_dims(factor=list(FACTORS))
    identical["factor_state"] = flat.transpose("sample", "year", "factor")
    assert acceptance_checks.check_cohesion_model(identical, panel)["met"] is False


def test_projection_starts_from_neutral_or_posterior_state(samples: Samples) -> None:
    plan = fake_posteriors.smoke()
    roster, every = (
        build_roster(fake_posteriors.tables(), plan, fake_posteriors.priors()),
        fake_posteriors.all_samples(),
    )
    draws = assemble_draws(every, fake_posteriors.panel(), fake_posteriors.priors(), roster, fake_posteriors.SEED)
    neutral, current = draws.parameters, start_from_posterior(draws, every["cohesion"]).parameters
    assert not neutral["factor_start"].any()
    posterior = every["cohesion"]
    assert (current["factor_start"] == posterior["factor_state"].isel(year=-1).values).all()
    assert (current["weights"] == posterior["factor_weights"].values).all()
    assert (current["verdict_high"] > current["verdict_low"]).all()
    for name in ("growth", "cohesion_effect", "collapse_shock"):
        assert (neutral[name] == current[name]).all()


def test_each_anchor_is_forecast_without_its_verdict(panel: xr.Dataset) -> None:
    weights: list[list[float]] = []

    def refit(vectors: Any, assumed: Any, report: Any) -> tuple[xr.DataTree, float]:
        weights.append(vectors["keep"].tolist())
        posterior = fake_posteriors.cohesion_samples(seed=len(weights)).items()
        chains = {k: v.rename(sample="draw").expand_dims(chain=[0]) for k, v in posterior}
        return xr.DataTree.from_dict({"posterior": xr.Dataset(chains)}), 1.0

    rows = backtest_cohesion.left_out(
        panel, fake_posteriors.priors(), refit, fake_posteriors.SEED, lambda what, part: None
    )
    assert weights == (1.0 - np.eye(6)).tolist()
    assert rows.groupby("forecaster").size().to_dict() == dict.fromkeys(("model", "persistence", "climatology"), 6)
    last_posterior = fake_posteriors.cohesion_samples(seed=6)
    p = cohesion.anchor_probability(last_posterior, panel).isel(anchor=5).values
    row = rows[(rows["forecaster"] == "model") & (rows["origin"] == "2022Q2")].iloc[0]
    assert row["given"] == pytest.approx(p[2])  # Strong
    assert row["rps"] == pytest.approx(p[0] ** 2 + (p[0] + p[1]) ** 2)

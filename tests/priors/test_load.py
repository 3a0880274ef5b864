"""Priors are read strictly: each fault names file and key, all are reported at once, and every prior is used."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_quarters
from forecast.data.spending import spending_panel
from forecast.errors import PriorError
from forecast.evaluation.backtests.announcements import record_of
from forecast.evaluation.backtests.pooling import learnt_weights
from forecast.evaluation.backtests.tasks import KEY
from forecast.inference.reductions import reduction_shift
from forecast.models import alliance_exit
from forecast.models.announcements import learned_weights
from forecast.priors.load import Priors, load_priors
from forecast.priors.prior import Prior
from forecast.priors.registry import KNOWN, KNOWN_OF_A_DYAD
from forecast.priors.scenarios import PARTS
from forecast.priors.tables import EVIDENCE
from forecast.projection.parameter_draws.assemble import assemble_draws
from forecast.projection.static_inputs import build_static_inputs
from forecast.storage.toml_files import read_toml
from forecast.workspace.resolve import build_roster
from tests.support import fake_posteriors

NAMES = [f"{file}.{key}" for file, keys in KNOWN.items() for key in keys]
NAMES += [f"dyads.{pair}.{key}" for pair in ("USA-JPN", "USA-KOR") for key in KNOWN_OF_A_DYAD]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundled priors for a test to break."""
    return Path(shutil.copytree(fake_posteriors.ROOT / "priors", tmp_path / "priors"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(PriorError) as caught:
        load_priors(folder)
    return str(caught.value)


def test_bundled_priors_load_with_sources() -> None:
    priors = fake_posteriors.priors()
    assert list(priors.by_name) == NAMES
    grid = priors.grid
    inside = [war.threat_target for war in grid.wars.values()]
    for design in grid.designs.values():
        inside += [design.pledge_multiplier, design.retrenchment, design.credibility]
        inside += [design.first_responder, design.out_of_area, design.entrapment]
        inside += [design.asia_signal, design.china_focus]
        inside += design.shift.values()
    for prior in (*priors.by_name.values(), *inside):
        assert prior.source.strip(), prior.name
        assert prior.evidence in EVIDENCE, prior.name
        if prior.evidence != "judgement":
            assert prior.source != "judgement", prior.name
    assert set(priors.digests) == {*KNOWN, *(f"scenarios/{part}" for part in PARTS)}


def test_lookup_by_dotted_name() -> None:
    priors = fake_posteriors.priors()
    assert priors["spending.kappa"].name == "spending.kappa"
    assert priors.value("spending.pledge_2035") == 3.5
    assert list(priors.section("missions")) == list(KNOWN["missions"])
    with pytest.raises(PriorError, match=r"'spending\.kapa'; did you mean 'spending\.kappa'"):
        _ = priors["spending.kapa"]


def test_unknown_entry(folder: Path) -> None:
    edit(folder / "spending.toml", "[election]", "[electoin]")
    message = refusal(folder)
    path = folder / "spending.toml"
    assert message.startswith("2 faults:")
    assert f"{path}: unknown key 'electoin'; did you mean 'election'?" in message
    expected = "expected a table with dist, its parameters, source, evidence and seen"
    assert f"{path}: the entry [election] is missing, {expected}" in message


def test_incomplete_dyad(folder: Path) -> None:
    edit(folder / "dyads.toml", "[USA-JPN.gap_sd]", "[USA-JPN.gap_ds]")
    message, path = refusal(folder), folder / "dyads.toml"
    assert message.startswith("2 faults:")
    assert f"{path} [USA-JPN]: unknown key 'gap_ds'; did you mean 'gap_sd'?" in message
    assert f"{path} [USA-JPN]: gap_sd is missing, expected a table with dist" in message


@pytest.mark.parametrize("name", [f"{file}.toml" for file in KNOWN] + ["scenarios/war.toml"])
def test_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    message = refusal(folder)
    assert f"{folder / name}: the file is missing" in message
    assert "forecast init" in message


@pytest.mark.parametrize("name", ["leadership.toml", "scenarios/design.toml"])
@pytest.mark.parametrize("content", [b"[kappa\n", b"x = \xff\n"])
def test_invalid_toml(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert f"{folder / name}: not valid TOML" in refusal(folder)


@pytest.mark.parametrize("name", ["spendin.toml", "scenarios/wars.toml", "more/war.toml"])
def test_unread_file(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("", encoding="utf-8")
    assert f"{folder / name}: no model reads this file" in refusal(folder)


def test_all_faults_are_reported_together(folder: Path) -> None:
    edit(folder / "spending.toml", "alpha = 3", 'alpha = "3"')
    edit(folder / "alliance.toml", "sigma = 0.25", "sigma = -0.25")
    edit(folder / "scenarios/war.toml", 'threats = "+"', 'threats = "plus"')
    (folder / "missions.toml").unlink()
    message = refusal(folder)
    assert message.startswith("4 faults:")
    for part in (
        "spending.toml [kappa]: alpha is '3', expected a finite number above 0",
        "alliance.toml [sign_scale]: sigma is -0.25, expected the SD of a logarithm",
        "war.toml [win]: signs.threats is 'plus', expected one of +, =/+, =, =/–, –",
        "missions.toml: the file is missing",
    ):
        assert part in message


KINDS: dict[str, tuple[str, str, str, str]] = {
    "a constant that spreads": (
        "spending.toml",
        '[floor]\ndist = "Constant"\nvalue = 0.2',
        '[floor]\ndist = "Normal"\nmu = 0.2\nsigma = 0.1',
        "[floor]: dist is 'Normal', expected 'Constant'",
    ),
    "a parameter that is fixed": (
        "spending.toml",
        '[kappa_others]\ndist = "Beta"\nalpha = 1\nbeta = 49',
        '[kappa_others]\ndist = "Constant"\nvalue = 0.1',
        "[kappa_others]: dist is 'Constant', expected a distribution",
    ),
    "a vector for a number": (
        "withdrawal.toml",
        '[nato]\ndist = "Normal"\nmu = -1.4\nsigma = 0.6',
        '[nato]\ndist = "Dirichlet"\nconcentration = [1, 1]',
        "[nato]: dist is 'Dirichlet', expected",
    ),
    "bounds of another kind": (
        "missions.toml",
        '[cut_size]\ndist = "Uniform"\nlower = 0.3\nupper = 0.9',
        '[cut_size]\ndist = "Beta"\nalpha = 3\nbeta = 7',
        "[cut_size]: dist is 'Beta', expected 'Uniform'",
    ),
    "a date that spreads": (
        "dyads.toml",
        '[USA-JPN.renewal_year]\ndist = "Constant"\nvalue = 2027',
        '[USA-JPN.renewal_year]\ndist = "Normal"\nmu = 2027\nsigma = 1',
        "[USA-JPN]: renewal_year: dist is 'Normal', expected 'Constant'",
    ),
    "a missing number of a dyad": (
        "dyads.toml",
        '[USA-JPN.threat]\ndist = "Normal"\nmu = 0.8\n',
        '[USA-JPN.threat]\ndist = "Normal"\n',
        "[USA-JPN]: threat.mu is missing, expected a finite number",
    ),
    "three weights for four factors": (
        "alliance.toml",
        "concentration = [6, 6, 6, 6]",
        "concentration = [6, 6, 6]",
        "[factor_weights]: concentration has 3 numbers, expected 4",
    ),
}


@pytest.mark.parametrize("case", KINDS)
def test_wrong_kind_of_prior(folder: Path, case: str) -> None:
    file, old, new, expected = KINDS[case]
    edit(folder / file, old, new)
    message = refusal(folder)
    assert f"{folder / file} {expected}" in message
    assert "faults" not in message  # the only one


def test_digest_ignores_sources_and_notes(folder: Path) -> None:
    before = dict(load_priors(folder).digests)
    edit(folder / "spending.toml", 'source = "judgement"', 'source = "a better reason"')
    assert dict(load_priors(folder).digests) == before
    edit(folder / "spending.toml", "alpha = 3\nbeta = 97", "alpha = 3\nbeta = 38")
    after = load_priors(folder).digests
    assert {name for name in before if before[name] != after[name]} == {"spending"}


def test_scenario_digest_follows_content(folder: Path) -> None:
    before = load_priors(folder).digests
    edit(folder / "scenarios/design.toml", "mu = 0.1,", "mu = 0.2,")
    after = load_priors(folder).digests
    assert {k for k in before if before[k] != after[k]} == {"scenarios/design"}


def test_read_toml_names_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PriorError, match="nothing here"):
        read_toml(tmp_path / "nothing here.toml")


class RecordingPriors:
    """Priors that record which names are read."""

    def __init__(self, priors: Priors) -> None:
        self.read = set[str]()
        self.by_name, self.grid, self.digests = priors.by_name, priors.grid, priors.digests

    def __getitem__(self, name: str) -> Prior:
        self.read.add(name)
        return self.by_name[name]

    def value(self, name: str) -> float:
        return self[name].value


def one_draw(spells: xr.Dataset) -> dict[str, Any]:
    """Return one draw of the withdrawal parameters from their priors, with all effects zero."""
    samples = fake_posteriors.all_samples()["withdrawal"]
    point = {n: (("chain", "draw"), v.values[:1, None]) for n, v in samples.items() if v.ndim == 1}
    return point | {
        name: (("chain", "draw", dim), np.zeros((1, 1, spells.sizes[dim])))
        for name, dim in (
            ("mission_effect", "mission"),
            ("country_effect", "country"),
            ("duration_defection", "duration_bin"),
            ("duration_planned", "duration_bin"),
        )
    }


@pytest.mark.filterwarnings("ignore")  # third-party samplers warn on import
def test_every_prior_is_used() -> None:
    from forecast.inference.pymc_models import cohesion, leadership, spending, withdrawal

    tables, plan = fake_posteriors.tables(), fake_posteriors.smoke()
    spy: Any = RecordingPriors(fake_posteriors.priors())
    panel = spending_panel(tables, spy)
    spending.build(panel, spy)
    leadership.build(leader_quarters(tables), spy)
    spells = mission_spells(tables, spy)
    withdrawal.build(spells, spy)
    draws = xr.Dataset(one_draw(spells))
    reduction_shift(draws, spells, tables, spy, plan.seed)
    cohesion.build(indicator_panel(tables, spy.grid), spy)
    roster = build_roster(tables, plan, fake_posteriors.priors())
    build_static_inputs(tables, spy, plan, roster)
    assemble_draws(fake_posteriors.all_samples(), panel, spy, roster, plan.seed)
    alliance_exit.draw(spy, tables, 1, plan.seed)
    learned_weights(record_of([], lambda origin: tables.economy, 2025), ["FRA"], 1, spy)
    no_rows = {name: pd.Series(dtype=str) for name in (*KEY, "p")}
    learnt_weights(pd.DataFrame(no_rows), spy)
    assert spy.read == set(NAMES)


def test_priors_are_frozen() -> None:
    with pytest.raises(AttributeError):
        fake_posteriors.priors()["spending.kappa"].params = (1.0,)  # type: ignore[misc]
    changed = replace(fake_posteriors.priors()["spending.kappa"], params=(4.0, 36.0))
    assert changed.describe() == "Beta(4, 36)"


@pytest.mark.case("B28")
def test_side_files_of_editors_are_passed_by(folder: Path) -> None:
    for name in ("._spending.toml", "#events.toml#", "events.toml~", "scenarios/._war.toml", ".idea/x.toml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\0")
    (folder / ".#events.toml").symlink_to("somebody@somewhere.1:2")
    load_priors(folder)
    (folder / "EVENTS (conflicted copy).TOML").write_text("")
    assert refusal(folder).startswith(f"{folder / 'EVENTS (conflicted copy).TOML'}: no model reads this file; remove")


@pytest.mark.case("M18")
def test_folder_that_the_system_refuses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("forecast.priors.load.list_files", refused)
    assert refusal(folder) == f"{folder}: cannot be read (Permission denied); correct the permissions of its folders"

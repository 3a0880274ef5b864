"""The folder of beliefs is read strictly: each fault with file and key, all at once; and no belief is unused."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_quarters
from forecast.data.spending import spending_panel
from forecast.errors import PriorError
from forecast.inference.reductions import reduction_shift
from forecast.models import alliance_exit
from forecast.priors.load import Priors, load_priors
from forecast.priors.prior import EVIDENCE, Prior
from forecast.priors.registry import KNOWN, KNOWN_OF_A_DYAD
from forecast.priors.scenarios import PARTS
from forecast.projection.parameter_draws.assemble import assemble
from forecast.projection.static_inputs import build_static_inputs
from forecast.storage.files import read_toml
from forecast.workspace.resolve import build_roster
from tests.support import fake_posteriors as our

NAMES = [f"{file}.{key}" for file, keys in KNOWN.items() for key in keys]
NAMES += [f"dyads.{pair}.{key}" for pair in ("USA-JPN", "USA-KOR") for key in KNOWN_OF_A_DYAD]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The bundled priors, to be spoilt."""
    return Path(shutil.copytree(our.ROOT / "priors", tmp_path / "priors"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(PriorError) as caught:
        load_priors(folder)
    return str(caught.value)


def test_the_bundled_beliefs_load_and_each_owes_and_has_a_source() -> None:
    found = our.priors()
    assert list(found.by_name) == NAMES
    grid = found.grid
    inside = [war.threat_target for war in grid.wars.values()]
    for design in grid.designs.values():
        inside += [design.pledge_multiplier, design.retrenchment, design.credibility]
        inside += [design.first_responder, design.out_of_area, design.entrapment]
        inside += [design.asia_signal, design.china_focus]
        inside += design.shift.values()
    for prior in (*found.by_name.values(), *inside):
        assert prior.source.strip(), prior.name
        assert prior.evidence in EVIDENCE, prior.name
        if prior.evidence != "judgement":
            assert prior.source != "judgement", prior.name
    assert set(found.digests) == {*KNOWN, *(f"scenarios/{part}" for part in PARTS)}


def test_a_belief_is_asked_for_by_its_full_name() -> None:
    found = our.priors()
    assert found["spending.kappa"].name == "spending.kappa"
    assert found.value("spending.pledge_2035") == 3.5
    assert list(found.section("missions")) == list(KNOWN["missions"])
    with pytest.raises(PriorError, match=r"'spending\.kapa'; did you mean 'spending\.kappa'"):
        _ = found["spending.kapa"]


def test_an_unknown_entry_is_named_with_the_nearest(folder: Path) -> None:
    edit(folder / "spending.toml", "[kappa]", "[kapa]")
    told = refusal(folder)
    path = folder / "spending.toml"
    assert told.startswith("2 faults:")
    assert f"{path}: unknown key 'kapa'; did you mean 'kappa'?" in told
    assert f"{path}: the entry [kappa] is missing, and a model needs it" in told


@pytest.mark.parametrize("name", [f"{file}.toml" for file in KNOWN] + ["scenarios/war.toml"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    told = refusal(folder)
    assert f"{folder / name}: the file is missing" in told
    assert "forecast init" in told


@pytest.mark.parametrize("name", ["leadership.toml", "scenarios/design.toml"])
@pytest.mark.parametrize("content", [b"[kappa\n", b"x = \xff\n"])
def test_a_file_that_is_no_toml_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert f"{folder / name}: not valid TOML" in refusal(folder)


@pytest.mark.parametrize("name", ["spendin.toml", "scenarios/wars.toml", "more/war.toml"])
def test_a_file_that_no_model_reads_is_named(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("", encoding="utf-8")
    assert f"{folder / name}: no model reads this file" in refusal(folder)


def test_faults_of_several_files_are_named_together(folder: Path) -> None:
    edit(folder / "spending.toml", "alpha = 3", 'alpha = "3"')
    edit(folder / "alliance.toml", "sigma = 0.25", "sigma = -0.25")
    edit(folder / "scenarios/war.toml", 'threats = "+"', 'threats = "plus"')
    (folder / "missions.toml").unlink()
    told = refusal(folder)
    assert told.startswith("4 faults:")
    for part in (
        "spending.toml [kappa]: alpha is '3', expected a number",
        "alliance.toml [sign_scale]: sigma is -0.25, expected a number above 0",
        "war.toml [win]: sign of threats is 'plus', expected one of + =/+ = =/– –",
        "missions.toml: the file is missing",
    ):
        assert part in told


KINDS: dict[str, tuple[str, str, str, str]] = {
    "a constant that spreads": (
        "spending.toml",
        '[floor]\ndist = "Constant"\nvalue = 0.2',
        '[floor]\ndist = "Normal"\nmu = 0.2\nsigma = 0.1',
        "[floor]: dist is Normal, expected Constant",
    ),
    "a parameter that is fixed": (
        "spending.toml",
        '[kappa]\ndist = "Beta"\nalpha = 3\nbeta = 97',
        '[kappa]\ndist = "Constant"\nvalue = 0.1',
        "[kappa]: dist is Constant, expected a distribution",
    ),
    "a vector for a number": (
        "withdrawal.toml",
        '[nato]\ndist = "Normal"\nmu = -1.4\nsigma = 0.6',
        '[nato]\ndist = "Dirichlet"\nconcentration = [1, 1]',
        "[nato]: dist is Dirichlet, expected",
    ),
    "bounds of another kind": (
        "missions.toml",
        '[cut_size]\ndist = "Uniform"\nlower = 0.3\nupper = 0.9',
        '[cut_size]\ndist = "Beta"\nalpha = 3\nbeta = 7',
        "[cut_size]: dist is Beta, expected Uniform",
    ),
    "three weights for four factors": (
        "alliance.toml",
        "concentration = [6, 6, 6, 6]",
        "concentration = [6, 6, 6]",
        "[factor_weights]: concentration has 3 numbers, expected 4",
    ),
}


@pytest.mark.parametrize("case", KINDS)
def test_a_belief_of_the_wrong_kind_is_found_before_any_fit(folder: Path, case: str) -> None:
    file, old, new, expected = KINDS[case]
    edit(folder / file, old, new)
    told = refusal(folder)
    assert f"{folder / file} {expected}" in told
    assert "faults" not in told  # the only one


def test_a_digest_follows_numbers_and_not_what_is_said_of_them(folder: Path) -> None:
    before = dict(load_priors(folder).digests)
    edit(folder / "spending.toml", 'source = "judgement"', 'source = "a better reason"')
    assert dict(load_priors(folder).digests) == before
    edit(folder / "spending.toml", "alpha = 3\nbeta = 97", "alpha = 3\nbeta = 38")
    after = load_priors(folder).digests
    assert {name for name in before if before[name] != after[name]} == {"spending"}


def test_a_digest_of_scenarios_follows_their_file(folder: Path) -> None:
    before = load_priors(folder).digests
    edit(folder / "scenarios/design.toml", "mu = 0.1,", "mu = 0.2,")
    after = load_priors(folder).digests
    assert {k for k in before if before[k] != after[k]} == {"scenarios/design"}


def test_a_plan_of_another_folder_reads_toml_by_name(tmp_path: Path) -> None:
    with pytest.raises(PriorError, match="nothing here"):
        read_toml(tmp_path / "nothing here.toml")


class Recording:
    """Beliefs that remember which names were asked for."""

    def __init__(self, priors: Priors) -> None:
        self.asked = set[str]()
        self.by_name, self.grid, self.digests = priors.by_name, priors.grid, priors.digests

    def __getitem__(self, name: str) -> Prior:
        self.asked.add(name)
        return self.by_name[name]

    def value(self, name: str) -> float:
        return self[name].value


def one_draw(spells: xr.Dataset) -> dict[str, Any]:
    """The withdrawal model's parameters as believed, effects and durations zero."""
    believed = our.all_samples()["withdrawal"]
    point = {n: (("chain", "draw"), v.values[:1, None]) for n, v in believed.items() if v.ndim == 1}
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
def test_no_belief_is_unused() -> None:
    from forecast.inference.pymc_models import cohesion, leadership, spending, withdrawal

    tables, plan = our.tables(), our.smoke()
    spy: Any = Recording(our.priors())
    panel = spending_panel(tables, spy)
    spending.build(panel, spy)
    leadership.build(leader_quarters(tables), spy)
    spells = mission_spells(tables, spy)
    withdrawal.build(spells, spy)
    draws = xr.Dataset(one_draw(spells))
    reduction_shift(draws, spells, tables, spy, plan.seed)
    cohesion.build(indicator_panel(tables, spy.grid), spy)
    roster = build_roster(tables, plan)
    build_static_inputs(tables, spy, plan, roster)
    assemble(our.all_samples(), panel, spy, roster, plan.seed)
    alliance_exit.draw(spy, tables, 1, plan.seed)
    assert spy.asked == set(NAMES)


def test_beliefs_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        our.priors()["spending.kappa"].params = (1.0,)  # type: ignore[misc]
    changed = replace(our.priors()["spending.kappa"], params=(4.0, 36.0))
    assert changed.describe() == "Beta(4, 36)"

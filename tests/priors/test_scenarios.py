"""The sign table equals the source, and a scenario file is read completely or refused with all its faults."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from forecast.names import FACTORS, VERDICTS
from forecast.priors.scenarios import MOST, PARTS, SIGNS, Grid, parse_grid, with_own
from tests.support import fake_posteriors
from tests.support.bundled_scenarios import DESIGNS, WARS

FOLDER = fake_posteriors.ROOT / "priors" / "scenarios"
AT = Path("scenarios")
#: Kunertova and Schmitt 2023: threats, institutions, norms, leadership, and the verdict on cohesion. En dashes.
SOURCE = {
    "win": (["+", "=", "+", "+"], "Strong"),
    "lose": (["–", "+", "=/+", "=/–"], "Fragmented"),
    "stalemate": (["=/–", "=/+", "–", "–"], "Weak"),
}
SUBFACTORS = {
    "threats": 3,
    "institutions": 4,
    "norms": 2,
    "leadership": 2,
}


def bundled() -> dict[str, Any]:
    return {part: tomllib.loads((FOLDER / f"{part}.toml").read_text("utf-8")) for part in PARTS}


def parsed(raw: dict[str, Any]) -> tuple[Grid | None, list[str]]:
    return parse_grid(AT, raw)


def valid(raw: dict[str, Any]) -> Grid:
    grid, faults = parsed(raw)
    assert faults == []
    assert grid is not None
    return grid


@pytest.fixture
def raw() -> dict[str, Any]:
    return copy.deepcopy(bundled())


@pytest.mark.parametrize("war", SOURCE)
def test_signs_equal_the_source(war: str) -> None:
    symbols, verdict = SOURCE[war]
    text = (FOLDER / "war.toml").read_bytes().split(f"[{war}]".encode())[1].split(b"\n[")[0]
    pairs = ", ".join(f'{f} = "{s}"' for f, s in zip(FACTORS, symbols, strict=True))
    assert f"signs = {{ {pairs} }}".encode() in text
    read = fake_posteriors.priors().grid.wars[war]
    assert [read.symbols[f] for f in FACTORS] == symbols
    assert read.verdict == verdict
    assert [read.signs[f] for f in FACTORS] == [SIGNS[s] for s in symbols]
    assert [read.composite[f] for f in FACTORS] == ["/" in s for s in symbols]
    assert not read.is_reference


def test_values_of_signs() -> None:
    assert list(SIGNS.items()) == [
        ("+", 1.0),
        ("=/+", 0.5),
        ("=", 0.0),
        ("=/\u2013", -0.5),
        ("\u2013", -1.0),
    ]


def test_references() -> None:
    grid = fake_posteriors.priors().grid
    assert grid.wars["neutral"].is_reference
    assert set(grid.wars["neutral"].signs.values()) == {0.0}
    assert grid.wars["neutral"].threat_target.value == 1.0
    nothing = grid.designs["none"]
    assert not nothing.shift
    assert nothing.pledge_multiplier.value == 1.0
    assert nothing.credibility.value == 0.0
    assert nothing.retrenchment.value == 0.0


def test_grid_is_complete() -> None:
    grid = fake_posteriors.priors().grid
    assert {factor: len(subs) for factor, subs in grid.factors.items()} == SUBFACTORS
    names = [sub for subs in grid.factors.values() for sub in subs]
    assert len(names) == len(set(names)) == 11
    assert tuple(grid.factors) == FACTORS
    assert tuple(grid.wars) == WARS
    assert tuple(grid.designs) == DESIGNS
    assert {war.verdict for war in grid.wars.values()} == {*VERDICTS, ""}


SUBS = [(f, s) for f, subs in fake_posteriors.priors().grid.factors.items() for s in subs]


@pytest.mark.parametrize(("factor", "sub"), SUBS)
@pytest.mark.parametrize("war", SOURCE)
def test_subfactor_moves_only_its_factor(raw: dict[str, Any], war: str, factor: str, sub: str) -> None:
    before = valid(raw).wars
    old = before[war].signs[factor]
    symbol = "–" if old > 0 else "+"
    raw["war"][war]["subfactors"] = {sub: symbol}
    after = valid(raw).wars
    moved = old + (SIGNS[symbol] - old) / SUBFACTORS[factor]
    expected = before[war].signs | {factor: pytest.approx(moved, abs=1e-15)}  # rounding
    assert after[war].signs == expected
    assert after[war].symbols == before[war].symbols
    for other in set(WARS) - {war}:
        assert after[other] == before[other]


DELETE = object()
#: What is broken (part, path, new value) and the expected message.
FAULTS: dict[str, tuple[str, str, Any, str]] = {
    "no reference war": (
        "war",
        "neutral",
        DELETE,
        "war.toml: the reference is 'neutral', expected one of the tables, win, lose, stalemate; add it, or write",
    ),
    "no reference design": ("design", "none", DELETE, "design.toml: the reference is 'none', expected one of the"),
    "unknown reference": ("war", "reference", "neutrl", "the reference is 'neutrl', expected one of the tables, neu"),
    "list as reference": ("war", "reference", ["win"], "war.toml: the reference is ['win'], expected one of the"),
    "another type of reference": ("war", "reference", 3, "war.toml: the reference is 3, expected one of the tables"),
    "reference with a verdict": ("war", "reference", "win", "war.toml [win]: verdict is 'Strong', expected no verdict"),
    "no name of a war": ("war", "Cease-fire", {}, "war.toml: [Cease-fire] is no name of a war, expected a name of at"),
    "name of a missing value": ("war", "null", {}, "war.toml: [null] is no name of a war, expected"),
    "no name of a design": ("design", "2nd", {}, "design.toml: [2nd] is no name of a design, expected a name of at"),
    "key beside the wars": (
        "war",
        "autor",
        "x",
        "war.toml: autor is 'x', expected a table of a war; did you mean",
    ),
    "no factor": ("factors", "norms", DELETE, "factors.toml: the entry [norms] is missing"),
    "bare new war": ("war", "ceasefire", {}, "war.toml [ceasefire]: label is missing, expected some text"),
    "bare new design": ("design", "bilateral", {}, "design.toml [bilateral]: pledge_multiplier is missing"),
    "bare war": ("war", "win", 3, "war.toml: win is 3, expected a table of a war"),
    "bare design": ("design", "none", "x", "design.toml: none is 'x', expected a table"),
    "bare factor": ("factors", "norms", [], "factors.toml: norms is [], expected a table"),
    "no subfactors": (
        "factors",
        "norms.subfactors",
        DELETE,
        "factors.toml [norms]: subfactors is missing, expected a table",
    ),
    "no subfactor": (
        "factors",
        "norms.subfactors",
        {},
        "factors.toml [norms]: subfactors.populism is missing, expected some text in one line",
    ),
    "new subfactor": (
        "factors",
        "norms.subfactors.arms",
        "Arms",
        "factors.toml [norms]: unknown key 'subfactors.arms'; known: populism, backsliding",
    ),
    "minus": ("war", "lose.signs.threats", "minus", "war.toml [lose]: signs.threats is 'minus', expected one of"),
    "number": ("war", "lose.signs.norms", 1, "war.toml [lose]: signs.norms is 1, expected one of"),
    "list": ("war", "lose.signs.norms", ["+"], "war.toml [lose]: signs.norms is ['+'], expected"),
    "own sign": (
        "war",
        "win.subfactors",
        {"china": "±"},
        "war.toml [win]: subfactors.china is '±', expected one of +, =/+, =, =/–, –",
    ),
    "own name": ("war", "win.subfactors", {"chine": "+"}, "unknown key 'subfactors.chine'; did you mean 'china'?"),
    "no sign": ("war", "win.signs.norms", DELETE, "war.toml [win]: signs.norms is missing, expected one of +"),
    "bare signs": ("war", "stalemate.signs", "+", "war.toml [stalemate]: signs is '+', expected a table"),
    "bare own": ("war", "win.subfactors", 2, "war.toml [win]: subfactors is 2, expected a table"),
    "verdict": ("war", "win.verdict", "Solid", "verdict is 'Solid', expected 'Weak', 'Fragmented' or 'Strong'"),
    "no verdict": ("war", "win.verdict", DELETE, "war.toml [win]: verdict is missing"),
    "judged reference": (
        "war",
        "neutral.verdict",
        "Weak",
        "war.toml [neutral]: verdict is 'Weak', expected no verdict",
    ),
    "signed reference": ("war", "neutral.signs.norms", "+", "war.toml [neutral]: signs.norms is '+', expected '='"),
    "ramp": ("war", "win.ramp", 0, "war.toml [win]: ramp is 0, expected a whole number"),
    "half ramp": ("design", "none.ramp", 1.5, "design.toml [none]: ramp is 1.5, expected a whole number"),
    "no source": ("war", "win.source", DELETE, "war.toml [win]: source is missing, expected the work"),
    "no evidence": ("design", "none.evidence", DELETE, "design.toml [none]: evidence is missing, expected 'data'"),
    "evidence": (
        "war",
        "win.evidence",
        "rumour",
        "war.toml [win]: evidence is 'rumour', expected 'data', 'literature' or 'judgement'",
    ),
    "no label": ("war", "win.label", " ", "war.toml [win]: label is ' ', expected some text"),
    "misspelt": ("design", "none.credibilty", 1, "unknown key 'credibilty'; did you mean 'credibility'?"),
    "no target": (
        "war",
        "win.threat_target",
        DELETE,
        "war.toml [win]: threat_target is missing, expected a table with dist",
    ),
    "vague target": ("war", "win.threat_target.dist", "Normal", "[win]: unknown key 'threat_target.value'"),
    "no source of a target": ("war", "win.threat_target.source", DELETE, "[win]: threat_target.source is missing"),
    "no credibility": ("design", "none.credibility", DELETE, "design.toml [none]: credibility is missing"),
    "bare shift": ("design", "none.shift", 0.1, "design.toml [none]: shift is 0.1, expected a table"),
    "shift of nothing": ("design", "none.shift", {"norm": {}}, "did you mean 'norms'?"),
    "bare size": ("design", "none.shift", {"norms": 0.1}, "[none]: shift.norms is 0.1, expected a table"),
    "half-life": (
        "design",
        "division_of_labour.shift.leadership.half_life",
        -1,
        "half_life is -1, expected 0 (= permanent) or a half-life of 0.25 to 400 quarters",
    ),
    "half-life of an instant": (
        "design",
        "division_of_labour.shift.leadership.half_life",
        1e-300,
        "half_life is 1e-300, expected 0 (= permanent) or a half-life of 0.25 to 400 quarters",
    ),
    "two wars of one label": (
        "war",
        "lose.label",
        "Ukraine wins",
        "war.toml [lose] label is 'Ukraine wins', expected another text than [win] label has",
    ),
    "two designs of one label": ("design", "none.label", "business AS usual", "[business_as_usual] label is 'Business"),
    "two sub-factors of one label": (
        "factors",
        "norms.subfactors.populism",
        "Russia",
        "[norms] subfactors.populism is 'Russia', expected another text than [threats] subfactors.russia has",
    ),
    "shift of the reference": (
        "design",
        "none.shift",
        {"norms": {"dist": "Constant", "value": 0.3, "source": "x", "evidence": "judgement"}},
        "design.toml [none]: shift is set, expected none, because this design is the reference",
    ),
    "text half-life": (
        "design",
        "division_of_labour.shift.leadership.half_life",
        "12",
        "half_life is '12', expected",
    ),
    "sigma": ("design", "business_as_usual.shift.leadership.sigma", -0.2, "shift.leadership.sigma is -0.2, expected"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_scenario_fault_names_file_and_key(raw: dict[str, Any], case: str) -> None:
    part, path, value, expected = FAULTS[case]
    *outer, last = path.split(".")
    inner = raw[part]
    for key in outer:
        inner = inner[key]
    if value is DELETE:
        del inner[last]
    else:
        inner[last] = value
    grid, faults = parsed(raw)
    assert grid is None
    assert any(expected in fault for fault in faults), faults
    assert all(fault.startswith(str(AT / f"{part}.toml")) for fault in faults)


@pytest.mark.parametrize("key", ["pledge_multiplier", "credibility"])
def test_number_of_a_design_must_be_constant(raw: dict[str, Any], key: str) -> None:
    spread = {"dist": "Uniform", "lower": 0.5, "upper": 1.5, "source": "x", "evidence": "judgement"}
    raw["design"]["none"][key] = spread
    _, faults = parsed(raw)
    assert faults == [f"scenarios/design.toml [none]: {key}: dist is 'Uniform', expected 'Constant'"]


@pytest.mark.case("A24")
@pytest.mark.parametrize(("typed", "printed"), [("-", "–"), ("\u2212", "–"), ("=/-", "=/–"), ("=/\u2212", "=/–")])
def test_dash_of_a_keyboard_is_the_dash_of_the_source(raw: dict[str, Any], typed: str, printed: str) -> None:
    raw["war"]["lose"]["signs"]["threats"] = typed
    assert valid(raw).wars["lose"].symbols["threats"] == printed


def test_shift_is_normal_or_constant(raw: dict[str, Any]) -> None:
    size = {"dist": "Beta", "alpha": 1, "beta": 1, "source": "x", "evidence": "judgement"}
    raw["design"]["none"]["shift"] = {"norms": size}
    _, faults = parsed(raw)
    assert "shift.norms.dist is 'Beta', expected 'Normal' or 'Constant'" in "\n".join(faults)


def test_faults_of_all_scenario_files(raw: dict[str, Any]) -> None:
    del raw["war"]["win"]["source"]
    raw["design"]["none"]["ramp"] = -1
    del raw["factors"]["norms"]["subfactors"]
    _, faults = parsed(raw)
    assert len(faults) == 3
    assert {fault.split(".toml")[0] for fault in faults} == {f"scenarios/{part}" for part in PARTS}


def test_shift_may_be_constant(raw: dict[str, Any]) -> None:
    constant = {"dist": "Constant", "value": 0.3, "source": "x", "evidence": "judgement", "half_life": 4}
    raw["design"]["global_vs_china"]["shift"] = {"norms": constant}
    design = valid(raw).designs["global_vs_china"]
    assert design.shift["norms"].value == 0.3
    assert design.half_life["norms"] == 4.0


def test_scenarios_have_the_names_of_their_tables_and_the_reference_is_first(raw: dict[str, Any]) -> None:
    raw["war"] = {"ceasefire": raw["war"]["stalemate"], "calm": raw["war"]["neutral"], "reference": "calm"}
    raw["design"] = {name: raw["design"]["none"] | {"label": name} for name in ("copy", "model_dump", "none")}
    grid = valid(raw)
    assert list(grid.wars) == ["calm", "ceasefire"] and list(grid.designs) == ["none", "copy", "model_dump"]
    assert grid.reference == ("calm", "none")
    assert grid.wars["calm"].is_reference and grid.wars["ceasefire"].verdict == "Weak"


def test_a_workspace_may_have_one_war_and_one_design(raw: dict[str, Any]) -> None:
    grid = valid({**raw, "war": {"neutral": raw["war"]["neutral"]}, "design": {"none": raw["design"]["none"]}})
    assert grid.reference == ("neutral", "none") and len(grid.wars) == len(grid.designs) == 1


def test_too_many_scenarios_are_refused(raw: dict[str, Any]) -> None:
    raw["war"] |= {f"war_{n}": raw["war"]["win"] | {"label": str(n)} for n in range(MOST)}
    assert parsed(raw)[1] == [f"scenarios/war.toml: {MOST + 4} tables, expected at most {MOST}; remove some"]


def test_a_war_and_a_design_have_different_names(raw: dict[str, Any]) -> None:
    raw["design"]["win"] = raw["design"]["none"] | {"label": "Won"}
    assert parsed(raw)[1] == [
        "scenarios/design.toml: [win] is the name of a war in war.toml too, expected a name of its own; rename one"
    ]


def own_of(grid: Grid, part: str, name: str, **changes: Any) -> tuple[Grid, list[str]]:
    """The grid with a copy of a bundled scenario, under a name and a label of its own, for one plan."""
    table = {**bundled()[part]["win" if part == "war" else "division_of_labour"], "label": "My own", **changes}
    return with_own(grid, {part: {name: table}}, "mine.toml")


def test_a_plan_adds_scenarios_that_no_other_plan_has(raw: dict[str, Any]) -> None:
    grid = valid(raw)
    for part, name, author in (("war", "mine", "me"), ("design", "ours", "us")):
        found, faults = own_of(grid, part, name, author=author)  # who stated it changes nothing
        assert faults == [] and found.factors == grid.factors
        wars, designs = ([*WARS, "mine"], [*DESIGNS]) if part == "war" else ([*WARS], [*DESIGNS, "ours"])
        assert ([*found.wars], [*found.designs]) == (wars, designs)
        assert found.reference == grid.reference
    copied = own_of(grid, "war", "mine")[0].wars["mine"]
    assert (copied.signs, copied.verdict) == (grid.wars["win"].signs, "Strong")


@pytest.mark.parametrize(
    ("part", "name", "changes", "fault"),
    [
        ("war", "mine", {"ramp": 900}, "mine.toml [own_war.mine]: ramp is 900, expected a whole number of quarters"),
        ("war", "mine", {"verdict": None}, "mine.toml [own_war.mine]: verdict is None"),
        ("war", "lose", {}, "mine.toml [own_war.lose]: is the name of a war too, expected a name of its own"),
        ("war", "none", {}, "mine.toml [own_war.none]: is the name of a design too"),
        ("design", "mine", {"label": "business AS usual"}, "expected another text than [business_as_usual] has"),
        ("design", "mine", {"nonsense": 1}, "mine.toml [own_design.mine]: unknown key 'nonsense'"),
    ],
)
def test_a_fault_of_an_own_scenario(
    raw: dict[str, Any], part: str, name: str, changes: dict[str, Any], fault: str
) -> None:
    _, faults = own_of(valid(raw), part, name, **changes)
    assert len(faults) == 1 and fault in faults[0]


def test_own_scenarios_count_with_those_of_the_workspace(raw: dict[str, Any]) -> None:
    table = bundled()["war"]["win"]
    own = {f"w{n}": {**table, "label": f"War {n}"} for n in range(MOST)}
    _, faults = with_own(valid(raw), {"war": own}, "mine.toml")
    assert faults == [f"mine.toml: {MOST + len(WARS)} entries with own_war, expected at most {MOST}; remove some"]

"""Every place in the model states the numbers that it can use, and loading refuses all others."""

import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.errors import PriorError
from forecast.priors.domains import Domain, domain_fault
from forecast.priors.load import load_priors, read_section
from forecast.priors.prior import Prior
from forecast.priors.registry import KNOWN, KNOWN_OF_A_DYAD, Place
from forecast.priors.scenarios import PARTS, parse_grid
from forecast.priors.tables import DISTRIBUTIONS
from forecast.storage.toml_files import read_toml
from tests.support import fake_posteriors

#: Family -> parameters with which no place in the model can use it.
WRONG: Mapping[str, tuple[float, ...]] = {
    "Gamma": (1e3, 1e-4),
    "HalfNormal": (1e6,),
    "LogNormal": (19.0, 1.0),
    "Normal": (0.0, 1e5),
    "TruncatedNormal": (0.0, 1e4, -1e5),
    "Uniform": (-1e5, -1e4),
}


def entry(dist: str, *params: float) -> str:
    """Return the lines of a prior in TOML."""
    lines = [f"{key} = {value!r}" for key, value in zip(DISTRIBUTIONS[dist], params, strict=True)]
    return "\n".join([f'dist = "{dist}"', *lines, 'source = "judgement"', 'evidence = "judgement"', "seen = 2025"])


def places(file: str) -> Iterator[tuple[str, Place]]:
    """Return the header of each prior in a file and what its place needs."""
    yield from KNOWN[file].items()
    if file == "dyads":
        yield from ((f"USA-JPN.{key}", place) for key, place in KNOWN_OF_A_DYAD.items())


def faults_of(folder: Path, file: str, entries: Mapping[str, str]) -> dict[str, str]:
    """Return the fault of each prior by its header, for a file of these entries."""
    path = folder / f"{file}.toml"
    path.write_text("\n\n".join(f"[{header}]\n{lines}" for header, lines in entries.items()), encoding="utf-8")
    *_, faults = read_section(path)
    found = {}
    for header in entries:
        *table, key = header.split(".")
        start = f"{path} [{table[0]}]: {key}: " if table else f"{path} [{key}]: "
        (found[header],) = (fault.removeprefix(start) for fault in faults if fault.startswith(start))
    return found


def outside(domain: Domain) -> st.SearchStrategy[float]:
    """Return numbers that a place cannot use and that a prior can hold."""
    below = st.floats(-1e6, domain.low, exclude_max=not domain.open_low)
    above = st.floats(domain.high, 1e6, exclude_min=not domain.open_high)
    choices = [below] if domain.high >= 1e6 else [below, above]
    if domain.whole:
        choices.append(st.floats(domain.low, domain.high).filter(lambda x: x != math.floor(x)))
    return st.one_of(choices)


@pytest.mark.case("H6")
@pytest.mark.parametrize("file", KNOWN)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_constant_outside_its_domain(tmp_path: Path, file: str, data: st.DataObject) -> None:
    constants = {key: place for key, place in places(file) if place.dist == "Constant"}
    values = {key: data.draw(outside(place.domain)) for key, place in constants.items()}
    faults = faults_of(tmp_path, file, {key: entry("Constant", value) for key, value in values.items()})
    for key, place in constants.items():
        assert faults[key] == f"value is {values[key]:g}, expected {place.domain.meaning}; correct it"


@pytest.mark.case("H6")
@pytest.mark.parametrize("dist", WRONG)
@pytest.mark.parametrize("file", KNOWN)
def test_distribution_of_every_family_outside_the_domain(tmp_path: Path, file: str, dist: str) -> None:
    of_file = dict(places(file))
    faults = faults_of(tmp_path, file, dict.fromkeys(of_file, entry(dist, *WRONG[dist])))
    for key, place in of_file.items():
        if place.dist and place.dist != dist:
            assert faults[key] == f"dist is {dist!r}, expected {place.dist!r}"
        else:
            assert faults[key].startswith(f"{dist}(")
            assert f", expected {place.domain.meaning}; correct" in faults[key]


@pytest.mark.case("H6")
@pytest.mark.parametrize("file", KNOWN)
def test_a_prior_bounded_below_is_no_normal(tmp_path: Path, file: str) -> None:
    """Also a Normal whose mass lies inside is refused where a draw outside would stop a run: at a hard end."""
    hard = {key: place for key, place in places(file) if not place.dist and not place.domain.tail_low}
    inside = {key: (place.domain.low + 0.5, 1e-3) for key, place in hard.items()}
    faults = faults_of(tmp_path, file, {key: entry("Normal", *params) for key, params in inside.items()})
    assert set(faults) == set(hard)
    truncated = {key: entry("TruncatedNormal", 0.0, 0.3, place.domain.low) for key, place in hard.items()}
    path = tmp_path / f"{file}.toml"
    path.write_text("\n\n".join(f"[{key}]\n{lines}" for key, lines in truncated.items()), encoding="utf-8")
    of_mine = [fault for fault in read_section(path)[-1] if "is missing" not in fault]
    allowed = {key for key, place in hard.items() if place.domain.tail_high}
    assert len(of_mine) == len(hard) - len(allowed)


DOMAINS = sorted({place.domain for file in KNOWN for _, place in places(file)}, key=repr)
NUMBERS = st.floats(-1e6, 1e6)


@given(st.sampled_from(DOMAINS), NUMBERS)
def test_domain_of_a_constant_is_its_interval(domain: Domain, value: float) -> None:
    inside = domain.low <= value <= domain.high
    inside &= not (domain.open_low and value == domain.low) and not (domain.open_high and value == domain.high)
    inside &= not domain.whole or value.is_integer()
    prior = Prior(name="x", dist="Constant", params=(value,), source="s", evidence="data")
    assert (domain_fault(domain, prior) == "") == inside


@given(st.sampled_from(DOMAINS), NUMBERS, st.floats(1e-3, 1e6))
def test_domain_of_a_uniform_holds_both_ends(domain: Domain, lower: float, width: float) -> None:
    prior = Prior(name="x", dist="Uniform", params=(lower, lower + width), source="s", evidence="data")
    inside = domain.low <= lower and lower + width <= domain.high and not domain.whole
    assert (domain_fault(domain, prior) == "") == inside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundled priors."""
    return Path(shutil.copytree(fake_posteriors.ROOT / "priors", tmp_path / "priors"))


def with_values(path: Path, values: Mapping[str, float]) -> None:
    """Replace constants of a file."""
    text = path.read_text(encoding="utf-8")
    for key, value in values.items():
        before, after = text.split(f'[{key}]\ndist = "Constant"\nvalue = ')
        text = f'{before}[{key}]\ndist = "Constant"\nvalue = {value}\n{after.split(chr(10), 1)[1]}'
    path.write_text(text, encoding="utf-8")


JOINT: dict[str, tuple[str, dict[str, float], str]] = {
    "pledge that nobody reaches": (
        "spending",
        {"cap": 3.0},
        "spending.toml [pledge_2035]: value is 3.5, expected at most the 3 of [cap]",
    ),
    "pledge below the floor": (
        "spending",
        {"floor": 2.5},
        "spending.toml [floor]: value is 2.5, expected less than the 2 of [pledge_2025]",
    ),
    "pure sign less certain": (
        "alliance",
        {"sign_sd_pure": 0.5},
        "alliance.toml [sign_sd_pure]: value is 0.5, expected at most the 0.45 of [sign_sd_composite]",
    ),
    "no room for spending": (
        "spending",
        {"floor": 3.0, "cap": 2.0},
        "spending.toml [floor]: value is 3, expected less than the 2 of [cap]",
    ),
    "collapse before hollow": (
        "missions",
        {"collapse_operation": 0.7},
        "missions.toml [collapse_operation]: value is 0.7, expected at most the 0.5 of [hollow_operation]",
    ),
    "ended before hollow": (
        "missions",
        {"nominal_flags": 0.7},
        "missions.toml [nominal_flags]: value is 0.7, expected at most the 0.6 of [hollow_flags]",
    ),
    "trust upside down": (
        "withdrawal",
        {"trust_low": 0.9},
        "withdrawal.toml [trust_low]: value is 0.9, expected at most the 0.8 of [trust_medium]",
    ),
    "trust in the middle": (
        "withdrawal",
        {"trust_medium": 0.99},
        "withdrawal.toml [trust_medium]: value is 0.99, expected at most the 0.95 of [trust_high]",
    ),
    "strain before its onset": (
        "events",
        {"onset_half_life": 8.0},
        "events.toml [onset_half_life]: value is 8, expected less than the 8 of [strain_half_life]",
    ),
    "weights of a dyad": (
        "dyads",
        {"weight_threat": 0.5},
        "dyads.toml [weight_threat], [weight_abandonment], [weight_entrapment], [weight_opinion]: the values sum to",
    ),
    "more than the whole variance": (
        "cohesion",
        {"own_share": 0.8},
        "cohesion.toml [own_share]: value is 0.8, expected less than 0.7, what [factor_correlation] of alliance.toml",
    ),
}


@pytest.mark.case("H6", "F3")
@pytest.mark.parametrize("case", JOINT)
def test_constants_that_contradict_each_other(folder: Path, case: str) -> None:
    file, values, expected = JOINT[case]
    with_values(folder / f"{file}.toml", values)
    with pytest.raises(PriorError) as caught:
        load_priors(folder)
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


NUMBERS_OF_A_DESIGN: dict[str, tuple[float, ...]] = {
    "pledge_multiplier": (-0.1, 1e4),
    "retrenchment": (-1.5, 2.0),
    "credibility": (-0.1, 1.1),
    "first_responder": (-0.1, 1.1),
    "out_of_area": (-1.0, 1e4),
    "entrapment": (-1.0, 1e4),
    "us_drawdown": (-1.0, 1e4),
    "china_focus": (-0.1, 1.1),
    "asia_signal": (-1.1, 1.1),
    "shift.leadership": (-101.0, 101.0),
    "alignment.firm": (-101.0, 101.0),
    "alignment.frail": (-101.0, 101.0),
    "promise.troop_cut": (-0.1, 1.1),
    "promise.backsliding": (-0.1, 1e4),
}


@pytest.mark.case("H6", "M17")
@pytest.mark.parametrize("key", NUMBERS_OF_A_DESIGN)
def test_number_of_a_design_outside_its_domain(key: str) -> None:
    scenarios = fake_posteriors.ROOT / "priors" / "scenarios"
    for value in NUMBERS_OF_A_DESIGN[key]:
        raw: dict[str, Any] = {part: read_toml(scenarios / f"{part}.toml") for part in PARTS}
        promise = {**raw["design"]["division_of_labour"]["promise"]}
        table = raw["design"]["democracy_international"] | {"promise": promise}
        raw["design"]["democracy_international"] = table
        *outer, last = key.split(".")
        for name in outer:
            table = table.setdefault(name, {})
        table[last] = {"dist": "Constant", "value": value, "source": "x", "evidence": "judgement"}
        _, (fault,) = parse_grid(scenarios, raw)
        start = f"{scenarios / 'design.toml'} [democracy_international]: {key}: value is {value:g}, expected "
        assert fault.startswith(start)


@pytest.mark.case("H6")
@pytest.mark.parametrize("value", [-0.1, 2000.0])
def test_threat_of_a_war_outside_its_domain(value: float) -> None:
    scenarios = fake_posteriors.ROOT / "priors" / "scenarios"
    raw: dict[str, Any] = {part: read_toml(scenarios / f"{part}.toml") for part in PARTS}
    raw["war"]["win"]["threat_target"]["value"] = value
    _, (fault,) = parse_grid(scenarios, raw)
    assert f"[win]: threat_target: value is {value:g}, expected a level of threat from 0 to 10" in fault


#: Constants far from what their unit allows, although they are numbers of the right sign.
IMPLAUSIBLE = [
    ("spending", "growth_sd", 50.0),
    ("spending", "growth_mean", 0.9),
    ("spending", "growth_bounce", 10.0),
    ("spending", "nowcast_noise", 6.0),
    ("spending", "pledge_2025", 50.0),
    ("spending", "front_mark", 50.0),
    ("withdrawal", "reduction_troops", 1e6),
    ("missions", "new_missions", 1000.0),
    ("missions", "wing_sd", 1e6),
    ("alliance", "factor_sd", 700.0),
    ("alliance", "threat_sd", 100.0),
    ("events", "rally_half_life", 1e-5),
    ("events", "strain_half_life", 1e6),
    ("events", "burden_sd", 1e-6),
    ("events", "china_distance", 8000.0),
    ("events", "exit_factor", 1000.0),
    ("dyads", "stress_demand", 1e6),
]


@pytest.mark.case("H6")
@pytest.mark.parametrize(("file", "key", "value"), IMPLAUSIBLE)
def test_constant_far_from_its_unit(tmp_path: Path, file: str, key: str, value: float) -> None:
    fault = faults_of(tmp_path, file, {key: entry("Constant", value)})[key]
    assert fault.startswith(f"value is {value:g}, expected ") and fault.endswith("; correct it")

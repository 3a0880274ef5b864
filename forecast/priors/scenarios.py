"""The scenario grid as data: three ends of the war and four designs, as shifts of the four factors of cohesion.

Signs are kept as the source states them. `+` counts 1, `=` 0, `–` -1, `=/+` one half, `=/–` minus one half; a factor's
sign is the mean of its sub-factors' signs, and a sub-factor has its factor's sign unless the scenario gives it its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from forecast.names import DESIGNS, FACTORS, VERDICTS, WARS
from forecast.priors.prior import EVIDENCE, Prior, check_keys, parse_prior

PARTS: Final = ("factors", "war", "design")
SIGNS: Final[Mapping[str, float]] = {"+": 1.0, "=/+": 0.5, "=": 0.0, "=/–": -0.5, "–": -1.0}
_WAR_KEYS: Final = ("label", "source", "evidence", "note", "ramp", "verdict", "signs", "subfactors", "threat_target")
_DESIGN_KEYS: Final = (
    "label",
    "source",
    "evidence",
    "note",
    "ramp",
    "shift",
    "pledge_multiplier",
    "retrenchment",
    "credibility",
    "first_responder",
    "out_of_area",
    "entrapment",
    "us_drawdown",
    "china_focus",
    "asia_signal",
    "alignment",
    "promise",
)
_PROMISE_KEYS, _ALIGNMENT_KEYS = ("troop_cut", "backsliding"), ("firm", "frail")  # and mode
MODES: Final = ("negotiated", "abrupt")
_SHIFT_KEYS: Final = ("dist", "mu", "sigma", "source", "evidence", "note", "unit", "half_life")


@dataclass(frozen=True, kw_only=True, slots=True)
class War:
    """How the war ends: signs by factor, verdict of the source, target of the threat level, ramp in quarters."""

    name: str
    label: str
    source: str
    note: str
    ramp: int
    verdict: str
    symbols: Mapping[str, str]
    subfactors: Mapping[str, str]
    signs: Mapping[str, float]
    composite: Mapping[str, bool]
    threat_target: Prior

    @property
    def is_reference(self) -> bool:
        """True for the war without a verdict: no shift at all, certain or not."""
        return not self.verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """A design of the alliance: shifts of factors (Normal, half-life in quarters, 0 = lasting), spending, posture.

    `alignment` moves members apart by their democracy (firm, frail). `promise` says how many American troops go
    (`troop_cut`) and what a Europe does that does not believe it (`backsliding`); `mode` is how.
    """

    name: str
    label: str
    source: str
    note: str
    ramp: int
    shift: Mapping[str, Prior]
    half_life: Mapping[str, float]
    pledge_multiplier: Prior
    retrenchment: Prior
    credibility: Prior
    first_responder: Prior
    out_of_area: Prior
    entrapment: Prior
    us_drawdown: Prior
    china_focus: Prior
    asia_signal: Prior
    alignment: Mapping[str, Prior]
    promise: Mapping[str, Prior]
    mode: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """The factors with their sub-factors and the two axes of scenarios, in the order of `names`."""

    factors: Mapping[str, Mapping[str, str]]
    wars: Mapping[str, War]
    designs: Mapping[str, Design]


def parse_grid(folder: Path, raw: Mapping[str, Mapping[str, Any]], faults: list[str]) -> Grid | None:
    """The grid from three parsed files; what is wrong is added to `faults` with file and key."""
    before = len(faults)
    _check_set(folder / "factors.toml", raw["factors"], FACTORS, faults)
    _check_set(folder / "war.toml", raw["war"], WARS, faults)
    _check_set(folder / "design.toml", raw["design"], DESIGNS, faults)
    for part in PARTS:
        for name in raw[part]:
            _table(str(folder / f"{part}.toml"), raw[part], name, faults)
    if len(faults) > before:
        return None
    factors = {name: _subfactors(folder, name, raw["factors"][name], faults) for name in FACTORS}
    wars = {name: _war(folder, name, raw["war"][name], factors, faults) for name in WARS}
    designs = {name: _design(folder, name, raw["design"][name], faults) for name in DESIGNS}
    if len(faults) > before:
        return None
    return Grid(
        factors=factors,
        wars={k: v for k, v in wars.items() if v is not None},
        designs={k: v for k, v in designs.items() if v is not None},
    )


def _check_set(path: Path, entries: Mapping[str, Any], known: tuple[str, ...], faults: list[str]) -> None:
    check_keys(str(path), entries, known, faults)
    faults.extend(f"{path}: the entry [{name}] is missing" for name in known if name not in entries)


def _table(where: str, entry: Mapping[str, Any], key: str, faults: list[str]) -> dict[str, Any]:
    found = entry.get(key, {})
    if isinstance(found, dict):
        return found
    faults.append(f"{where}: {key} is {found!r}, expected a table")
    return {}


def _subfactors(folder: Path, name: str, entry: Mapping[str, Any], faults: list[str]) -> dict[str, str]:
    found = entry.get("subfactors")
    if not isinstance(found, dict) or not found:
        faults.append(f"{folder / 'factors.toml'} [{name}]: subfactors is {found!r}, expected a table")
        return {}
    return {key: str(label) for key, label in found.items()}


def _texts(where: str, entry: Mapping[str, Any], faults: list[str]) -> None:
    for key in ("label", "source", "evidence"):
        if not str(entry.get(key, "")).strip():
            faults.append(f"{where}: no {key}; every scenario owes one")
    if entry.get("evidence") and entry["evidence"] not in EVIDENCE:
        found = entry["evidence"]
        faults.append(f"{where}: evidence is {found!r}, expected one of {', '.join(EVIDENCE)}")
    ramp = entry.get("ramp")
    if not isinstance(ramp, int) or isinstance(ramp, bool) or ramp < 1:
        faults.append(f"{where}: ramp is {ramp!r}, expected a whole number of quarters, 1 or more")


def _constant(where: str, name: str, entry: Any, faults: list[str]) -> Prior | None:
    prior = parse_prior(where, name, entry, faults)
    if prior is not None and prior.dist != "Constant":
        faults.append(f"{where}: dist is {prior.dist}, expected Constant")
    return prior


def _check_signs(where: str, symbols: Mapping[str, Any], own: Mapping[str, Any], faults: list[str]) -> None:
    for key, found in [*symbols.items(), *own.items()]:
        if not isinstance(found, str) or found not in SIGNS:
            faults.append(f"{where}: sign of {key} is {found!r}, expected one of {' '.join(SIGNS)}")


def _war(
    folder: Path,
    name: str,
    entry: Mapping[str, Any],
    factors: Mapping[str, Mapping[str, str]],
    faults: list[str],
) -> War | None:
    where, before = f"{folder / 'war.toml'} [{name}]", len(faults)
    check_keys(where, entry, _WAR_KEYS, faults)
    _texts(where, entry, faults)
    symbols = _table(where, entry, "signs", faults)
    _check_set(Path(f"{where} signs"), symbols, FACTORS, faults)
    own = _table(where, entry, "subfactors", faults)
    check_keys(f"{where} subfactors", own, [s for sub in factors.values() for s in sub], faults)
    _check_signs(where, symbols, own, faults)
    verdict, reference = entry.get("verdict"), name == WARS[0]
    signed = any(sign != "=" for sign in (*symbols.values(), *own.values()))
    if reference and (verdict is not None or signed):
        faults.append(f"{where}: the reference has no verdict, and no sign but =")
    if not reference and verdict not in VERDICTS:
        faults.append(f"{where}: verdict is {verdict!r}, expected one of {', '.join(VERDICTS)}")
    target = _constant(f"{where} threat_target", f"war.{name}.threat_target", entry.get("threat_target"), faults)
    if len(faults) > before or target is None:
        return None
    signs = {}
    for factor, subs in factors.items():
        each = [SIGNS[own.get(sub, symbols[factor])] for sub in subs]
        signs[factor] = sum(each) / max(len(each), 1)
    return War(
        name=name,
        label=entry["label"],
        source=entry["source"],
        note=entry.get("note", ""),
        ramp=entry["ramp"],
        verdict=entry.get("verdict", ""),
        symbols=dict(symbols),
        subfactors=dict(own),
        signs=signs,
        composite={factor: "/" in symbols[factor] for factor in factors},
        threat_target=target,
    )


#: Beside the shifts, how each number of a design is read.
_NUMBERS: Final = {
    **dict.fromkeys(("retrenchment", "asia_signal"), parse_prior),
    **dict.fromkeys(
        (
            "pledge_multiplier",
            "credibility",
            "first_responder",
            "out_of_area",
            "entrapment",
            "us_drawdown",
            "china_focus",
        ),
        _constant,
    ),
}


def _group(
    where: str, name: str, what: str, entry: Mapping[str, Any], keys: tuple[str, ...], faults: list[str]
) -> dict[str, Prior]:
    """Beliefs of a design that come together or not at all."""
    given = {k: v for k, v in _table(where, entry, what, faults).items() if k != "mode"}
    if not given:
        return {}
    at = f"{where} {what}"
    check_keys(at, given, keys, faults)
    read = {k: parse_prior(f"{at}.{k}", f"design.{name}.{k}", given.get(k), faults) for k in keys}
    return {key: prior for key, prior in read.items() if prior is not None}


def _mode(where: str, entry: Mapping[str, Any], faults: list[str]) -> str:
    """How American troops go."""
    mode = _table(where, entry, "promise", faults).get("mode", MODES[0])
    if mode not in MODES:
        faults.append(f"{where} promise: mode is {mode!r}, expected one of {', '.join(MODES)}")
    return str(mode)


def _half_life(where: str, found: Any, faults: list[str]) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < math.inf:
        faults.append(f"{where}: half_life is {found!r}, expected quarters, 0 = lasting")
        return 0.0
    return float(found)


def _shifts(
    where: str, name: str, entry: Mapping[str, Any], faults: list[str]
) -> tuple[dict[str, Prior], dict[str, float]]:
    """Shift and half-life by factor."""
    shifts: dict[str, Prior] = {}
    half_life: dict[str, float] = {}
    given = _table(where, entry, "shift", faults)
    check_keys(f"{where} shift", given, FACTORS, faults)
    for factor in given:
        at = f"{where} shift.{factor}"
        number = _table(f"{where} shift", given, factor, faults)
        check_keys(at, number, _SHIFT_KEYS, faults)
        plain = {k: v for k, v in number.items() if k != "half_life"}
        prior = parse_prior(at, f"design.{name}.{factor}", plain, faults)
        if prior is not None and prior.dist not in ("Normal", "Constant"):
            faults.append(f"{at}: dist is {prior.dist}, expected Normal or Constant")
        elif prior is not None:
            shifts[factor] = prior
        half_life[factor] = _half_life(at, number.get("half_life", 0.0), faults)
    return shifts, half_life


def _design(folder: Path, name: str, entry: Mapping[str, Any], faults: list[str]) -> Design | None:
    where, before = f"{folder / 'design.toml'} [{name}]", len(faults)
    check_keys(where, entry, _DESIGN_KEYS, faults)
    _texts(where, entry, faults)
    shifts, half_life = _shifts(where, name, entry, faults)
    numbers = {
        key: read(f"{where} {key}", f"design.{name}.{key}", entry.get(key), faults) for key, read in _NUMBERS.items()
    }
    mode = _mode(where, entry, faults)
    alignment, promise = (
        _group(where, name, what, entry, keys, faults)
        for what, keys in (("alignment", _ALIGNMENT_KEYS), ("promise", _PROMISE_KEYS))
    )
    if len(faults) > before:
        return None
    return Design(
        name=name,
        label=entry["label"],
        source=entry["source"],
        note=entry.get("note", ""),
        ramp=entry["ramp"],
        shift=shifts,
        half_life=half_life,
        alignment=alignment,
        promise=promise,
        mode=mode,
        **{key: prior for key, prior in numbers.items() if prior is not None},
    )

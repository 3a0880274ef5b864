"""An explanation divides the change of each headline: what differs gets it, and the contributions add up."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from forecast import names
from forecast.archive import hybrids
from forecast.archive.explain import (
    VERSION,
    Explanation,
    Prepared,
    explain,
    explain_runs,
    explanation_rows,
    prepare_explanation,
)
from forecast.archive.hybrids import kept_values, make_hybrid, values_of
from forecast.archive.kept_explanations import kept_explanation
from forecast.archive.parts import NOISE, PRIORS, SCENARIOS, WEIGHTS, Mixer, key_of_inputs
from forecast.cli.app import app
from forecast.errors import PlanError, RunError
from forecast.pipeline.restore import inputs_of_run
from forecast.pipeline.run import project_headlines
from forecast.projection.execution import Executor
from forecast.projection.headlines import key_of
from forecast.reporting.explanation_text import cost_line, explanation_lines
from forecast.storage.files import write_json, written_whole
from forecast.storage.runs import Run, list_runs, open_run, write_manifest
from tests.support.pipeline_run import invented_trees, quiet

Change = Callable[[Any], None]
ONE = Executor(1)


@pytest.fixture
def home(made_run: Run, tmp_path: Path) -> Path:
    """A copy of the workspace of the made run, which a test may change."""
    return Path(shutil.copytree(made_run.path.parent.parent, tmp_path / "workspace"))


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits are invented, as those of the made run are."""
    monkeypatch.setattr(hybrids, "fit_models", lambda inputs, models, stages: {m: invented_trees()[m] for m in models})


def nothing(content: Any) -> None:
    pass


def copied(
    home: Path,
    name: str,
    manifest: Change = nothing,
    priors: Change = nothing,
    headlines: Change = nothing,
    mixture: Change = nothing,
) -> Run:
    """Write a copy of the made run under another id, with these changes; return it."""
    run = open_run(next(run.id for run in list_runs(home) if "small" in run.id), home)
    folder = home / "runs" / name
    with written_whole(folder) as aside:
        shutil.copytree(run.path, aside, dirs_exist_ok=True)
        for file, change in (("headlines", headlines), ("priors", priors), ("mixture", mixture)):
            content = json.loads((run.path / f"{file}.json").read_text())
            change(content)
            write_json(aside / f"{file}.json", content)
        changed = json.loads(json.dumps({**run.manifest, "id": name}))
        manifest(changed)
        write_manifest(aside, changed)
    return open_run(name, home)


def first_run(home: Path) -> Run:
    return min(list_runs(home), key=lambda run: run.manifest["finished"])


def moved(by: float) -> Change:
    def change(content: Any) -> None:
        for record in content["headlines"]:
            record["value"] = round(record["value"] + by, 5)

    return change


def other_trend(content: Any) -> None:
    """Collapse of a mission at a much higher share of the operational contribution: no fit depends on it."""
    for entry in content["priors"]:
        if entry["name"] == "missions.kaplan_meier_weight":
            entry["params"] = [0.95]


def more_paths(content: Any) -> None:
    content["plan"]["paths"] = 128


def other_missions(content: Any) -> None:
    content["priors"]["missions"] = "ab" * 32


def answer(home: Path, before: Run, after: Run) -> Explanation:
    return explain_runs(home, before, after, quiet, ONE)


def other_weights(content: Any) -> None:
    of_wars, of_designs = sorted(content["weights"], key=lambda judged: judged["of"], reverse=True)
    of_wars["probability"] = {"win": 0.3, "neutral": 0.3, "lose": 0.4}
    of_designs["probability"] = {"none": 0.5, "division_of_labour": 0.5}


def assert_sums(found: Explanation) -> None:
    for headline in [*found.mixtures, *found.headlines]:
        total = headline.record["value"] - headline.before
        assert sum(c.value for c in headline.contributions) == pytest.approx(total, abs=1e-12)
        assert all(c.lowest - 1e-12 <= c.value <= c.highest + 1e-12 for c in headline.contributions)


# -- what needs no simulation ------------------------------------------------------------------------------------------


def test_run_against_itself_is_all_zeros(made_run: Run) -> None:
    found = answer(made_run.path.parent.parent, made_run, made_run)
    assert found.headlines
    assert found.mixtures
    assert {headline.change for headline in [*found.mixtures, *found.headlines]} == {0.0}
    assert not any(headline.contributions for headline in [*found.mixtures, *found.headlines])
    assert found.cost.projections == 0
    text = "\n".join(explanation_lines(found))
    assert "Nothing that can change a number differs." in text
    assert f"All {len(found.headlines)} headlines are the same numbers in both runs." in text
    assert all(headline.change == headline.error == 0.0 for headline in found.headlines)


def other_seed(content: Any) -> None:
    content["plan"]["seed"] = 99


def other_threat(content: Any) -> None:
    content["priors"]["scenarios/war"] = "cd" * 32


def another_simulation(content: Any) -> None:
    content["provenance"]["simulation_version"] = 1


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (other_seed, NOISE),
        (more_paths, NOISE),
        (other_missions, PRIORS),
        (other_threat, SCENARIOS),
        (lambda content: content["plan"].update(quarters=20), "horizon roll"),
        (lambda content: content["plan"].update(onset="2027Q1"), SCENARIOS),
        (another_simulation, VERSION),
    ],
)
def test_one_part_that_differs_gets_the_whole_change(home: Path, change: Change, part: str) -> None:
    run = first_run(home)
    later = copied(home, f"{run.id[:-8]}ffffffff", manifest=change, headlines=moved(0.02))
    prepared = prepare_explanation(home, run, later)
    assert (prepared.cost.projections, prepared.cost.refits) == (0, {})
    found = explain(prepared, quiet, ONE)
    for headline in [*found.mixtures, *found.headlines]:
        (contribution,) = headline.contributions
        assert contribution.part == part
        assert contribution.value == headline.change
        assert contribution.error == pytest.approx(headline.error)
        assert contribution.error > 0.0 or headline.record["mcse"] == 0.0
    assert_sums(found)


def weight_of(record: Any, content: Any) -> float:
    of_wars, of_designs = sorted(content["weights"], key=lambda judged: judged["of"], reverse=True)
    share = of_wars["probability"].get(record["war"], 0.0) * of_designs["probability"].get(record["design"], 0.0)
    return float(share)


def test_weights_that_differ_are_a_part_of_mixtures_alone(home: Path) -> None:
    run = first_run(home)
    later = copied(
        home, f"{run.id[:-8]}ffffffff", manifest=other_missions, headlines=moved(0.02), mixture=other_weights
    )
    found = answer(home, run, later)
    assert found.cost.projections == 0
    assert found.parts == {PRIORS: ["missions"], WEIGHTS: ["design", "war"]}
    assert {c.part for headline in found.headlines for c in headline.contributions} == {PRIORS}
    assert_sums(found)
    contents = run.json("mixture.json"), later.json("mixture.json")
    verdicts = [headline for headline in found.mixtures if headline.record["category"] == "Weak"]
    assert verdicts
    for headline in verdicts:
        same = [r for r in run.headlines if (r["category"], r["horizon"]) == ("Weak", headline.record["horizon"])]
        old, new = (sum(weight_of(r, content) * r["value"] for r in same) for content in contents)
        priors, weights = headline.contributions
        assert headline.before == pytest.approx(old, abs=1e-12)
        assert (priors.part, weights.part) == (PRIORS, WEIGHTS)
        assert weights.value == pytest.approx(new - old, abs=1e-12)  # 0.02 more in each scenario cancels
        assert priors.value == pytest.approx(0.02, abs=1e-12)
    text = "\n".join(explanation_lines(found))
    assert "scenario weights: design, war" in text and "Weak, mixture" in text


def test_run_without_weights_has_no_mixtures_to_explain(home: Path) -> None:
    run = first_run(home)
    later = copied(home, f"{run.id[:-8]}ffffffff", headlines=moved(0.02))
    manifest = {key: value for key, value in later.manifest.items() if key != "sha256"}
    (later.path / "mixture.json").unlink()
    write_manifest(later.path, manifest)
    found = answer(home, run, open_run(later.id, home))
    assert found.headlines and not found.mixtures
    assert WEIGHTS not in found.parts


def test_settings_that_change_no_number_are_no_part(home: Path) -> None:
    def change(content: Any) -> None:
        content["plan"] |= {"title": "Other", "name": "other", "joint_paths": 64}

    run = first_run(home)
    found = answer(home, run, copied(home, "2025-12-31-other-ffffffff", manifest=change))
    assert not found.parts
    assert {headline.change for headline in found.headlines} == {0.0}


def test_headlines_of_one_run_alone_are_listed(home: Path) -> None:
    run = first_run(home)
    later = copied(home, f"{run.id[:-8]}ffffffff", headlines=lambda content: content["headlines"].pop())
    found = answer(home, run, later)
    assert [key_of(record) for record in found.only_before] == [key_of(run.headlines[-1])]
    assert not found.only_after
    assert len(found.headlines) == len(run.headlines) - 1
    assert "1 headline in the earlier run alone" in "\n".join(explanation_lines(found))


def test_damaged_and_degraded_runs_are_refused(home: Path) -> None:
    run = first_run(home)
    degraded = copied(home, f"{run.id}-degraded", manifest=lambda content: content.update(status="degraded"))
    with pytest.raises(RunError, match="the run is degraded, expected complete"):
        prepare_explanation(home, run, degraded)
    damaged = copied(home, f"{run.id[:-8]}ffffffff")
    (damaged.path / "headlines.json").write_text("{}")
    with pytest.raises(RunError, match="damaged"):
        prepare_explanation(home, damaged, run)


def test_tables_that_are_not_kept_are_named(home: Path) -> None:
    def change(content: Any) -> None:
        content["tables"]["threat"] = "ab" * 32

    run = first_run(home)
    with pytest.raises(RunError, match=r"the tables threat of run .* are not kept"):
        prepare_explanation(home, run, copied(home, f"{run.id[:-8]}ffffffff", manifest=change))


def test_command_prints_cost_text_and_json(home: Path) -> None:
    run = first_run(home)
    later = copied(home, f"{run.id[:-8]}ffffffff", manifest=other_seed, headlines=moved(0.02))
    words = ["explain", run.id, later.id, "--home", str(home)]
    cost, text, everything, rows = (
        CliRunner().invoke(app, [*words, *options]) for options in (["--cost"], [], ["--all"], ["--json"])
    )
    assert cost.stdout == "Cost: nothing has to be simulated.\n"
    assert "Monte Carlo noise: seed" in text.stdout
    assert "more headlines with --all" in text.stdout
    assert len(everything.stdout) > len(text.stdout)
    assert json.loads(rows.stdout)["parts"] == {NOISE: ["seed"]}


def test_an_explanation_is_kept_for_the_page_of_the_later_run(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = first_run(home)
    later = copied(home, f"{run.id[:-8]}ffffffff", manifest=other_seed, headlines=moved(0.02))
    assert kept_explanation(home, run.id, later) == []
    assert CliRunner().invoke(app, ["explain", run.id, later.id, "--home", str(home)]).exit_code == 0
    kept = kept_explanation(home, run.id, later)
    assert {key_of(row["record"]): row["after"] - row["before"] for row in kept} == {
        key_of(headline.record): headline.change for headline in answer(home, run, later).headlines
    }
    assert [part["part"] for part in kept[0]["contributions"]] == [NOISE]
    assert len(list_runs(home)) == 2  # the folder of explanations is no run
    (file,) = (home / "runs" / "explanations").rglob("*.json")
    file.write_text(file.read_text().replace('"after"', '"afte"', 1))
    assert kept_explanation(home, run.id, later) == []
    assert "explain it again: forecast explain" in caplog.text


# -- two parts, really simulated ---------------------------------------------------------------------------------------


def second_run(home: Path, *, priors: bool, paths: bool) -> Run:
    """Write a run with another prior, with more paths, or both, and the headlines that they give."""

    def manifest(content: Any) -> None:
        if priors:
            other_missions(content)
        if paths:
            more_paths(content)

    draft = copied(home, "2025-12-31-draft-00000000", manifest, other_trend if priors else nothing)
    inputs = inputs_of_run(home, draft)
    shutil.rmtree(draft.path)
    records = project_headlines(inputs, invented_trees(), quiet, ONE)
    made = {key_of(record): (record["value"], record["mcse"]) for record in records}

    def headlines(content: Any) -> None:
        for record in content["headlines"]:
            record["value"], record["mcse"] = made[key_of(record)]

    return copied(home, inputs.run_id, manifest, other_trend if priors else nothing, headlines, other_weights)


@pytest.mark.slow
def test_two_parts_are_swapped_in_both_orders(home: Path, invented: None) -> None:
    before = first_run(home)
    after = second_run(home, priors=True, paths=True)
    listed, ledger = [run.id for run in list_runs(home)], (home / "runs" / "ledger.jsonl").read_bytes()
    prepared = prepare_explanation(home, before, after)
    assert prepared.cost.projections == 2  # priors alone, paths alone; both runs themselves are stored
    assert prepared.cost.refits == dict.fromkeys(names.MODELS, 1)  # the invented fits are stored nowhere
    assert prepared.cost.seconds > 0.0
    found = explain(prepared, quiet, ONE)
    assert_sums(found)
    assert {c.part for headline in found.mixtures for c in headline.contributions} == {PRIORS, NOISE, WEIGHTS}
    _check_by_hand(home, prepared, found, before, after)
    assert [run.id for run in list_runs(home)] == listed
    assert (home / "runs" / "ledger.jsonl").read_bytes() == ledger

    again = prepare_explanation(home, before, after)
    assert (again.cost.projections, again.cost.kept) == (0, 2)
    assert explain(again, quiet, ONE).headlines == found.headlines
    backwards = answer(home, after, before)  # the same hybrids, so nothing is simulated
    assert backwards.cost.projections == 0
    there = {key_of(headline.record): headline for headline in found.headlines}
    for headline in backwards.headlines:
        pairs = zip(headline.contributions, there[key_of(headline.record)].contributions, strict=True)
        assert all(back.value == pytest.approx(-forth.value, abs=1e-12) for back, forth in pairs)

    lines = list(explanation_lines(found, 10**9))
    assert max(map(len, lines)) <= 80
    assert cost_line(again.cost) == "Cost: nothing has to be simulated; 2 hybrid runs kept from earlier."
    assert len(json.loads(json.dumps(explanation_rows(found)))["headlines"]) == len(found.headlines)


def _check_by_hand(home: Path, prepared: Prepared, found: Explanation, before: Run, after: Run) -> None:
    """Each contribution is the mean of two differences between the runs and the hybrids that are kept."""
    assert [group for (group,) in prepared.groups] == [PRIORS, NOISE]
    alone = [kept_values(home, prepared.keys[frozenset({number})]) for number in (0, 1)]
    ends = values_of(before.headlines), values_of(after.headlines)
    differs = False
    for headline in found.headlines:
        key = key_of(headline.record)
        old, now = ends[0][key][0], ends[1][key][0]
        priors, paths = (values[key][0] for values in alone if values)
        expected = [((priors - old) + (now - paths)) / 2, ((paths - old) + (now - priors)) / 2]
        assert [c.value for c in headline.contributions] == pytest.approx(expected, abs=1e-12)
        differs |= abs(expected[0]) > 0.01
        spread = headline.contributions[0]
        assert (spread.lowest, spread.highest) == pytest.approx(tuple(sorted((priors - old, now - paths))), abs=1e-12)
    assert differs


def test_run_of_another_version_is_made_again(home: Path, invented: None) -> None:
    """What this code cannot make again is the effect of the version: here 0.01 that the older run had more."""
    run = first_run(home)
    draft = copied(home, "2025-12-31-draft-00000000", other_missions, other_trend)
    later = copied(home, inputs_of_run(home, draft).run_id, other_missions, other_trend, moved(0.03))
    older = copied(home, "2025-12-31-small-00000001", another_simulation, headlines=moved(0.01))
    found = answer(home, older, later)
    assert found.cost.projections == 1
    assert "made again" in found.notes[0]
    assert_sums(found)
    values = values_of(run.headlines)
    for headline in found.headlines:
        priors, version = headline.contributions
        assert (priors.part, version.part) == (PRIORS, VERSION)
        made_again = values[key_of(headline.record)][0]
        assert priors.value == pytest.approx(headline.record["value"] - made_again, abs=1e-12)
        assert version.value == pytest.approx(-0.01, abs=1e-12)
        assert version.error == pytest.approx(2**0.5 * values[key_of(headline.record)][1])
    assert "version of the simulation (was 1, is" in "\n".join(explanation_lines(found))


def test_parts_that_fit_no_other_way_are_swapped_together(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = first_run(home)

    def change(content: Any) -> None:
        content["plan"]["onset"] = "2027Q1"
        other_missions(content)

    later = copied(home, f"{run.id[:-8]}ffffffff", manifest=change, headlines=moved(0.02))
    mix = Mixer.inputs

    def inputs(self: Mixer, swapped: frozenset[str]) -> Any:
        if swapped == {PRIORS}:
            raise PlanError("the priors know no such scenario")
        return mix(self, swapped)

    monkeypatch.setattr(Mixer, "inputs", inputs)
    found = answer(home, run, later)
    assert found.cost.projections == 0
    assert "because apart they fail: the priors know no such scenario" in found.notes[0]
    assert {c.part for headline in found.headlines for c in headline.contributions} == {f"{SCENARIOS} + {PRIORS}"}
    assert_sums(found)


def test_interrupted_work_is_kept_and_a_damaged_hybrid_is_made_again(
    home: Path, invented: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def manifest(content: Any) -> None:
        other_missions(content)
        more_paths(content)

    before = first_run(home)
    prepared = prepare_explanation(home, before, copied(home, "2025-12-31-small-00000002", manifest, other_trend))
    assert prepared.cost.projections == 3  # the later run has no id of this code, so it is made again
    made: list[str] = []

    def projected(inputs: Any, *_: Any) -> list[dict[str, Any]]:
        if made:
            raise KeyboardInterrupt
        made.append(key_of_inputs(inputs))
        return before.headlines

    monkeypatch.setattr(hybrids, "project_headlines", projected)
    with pytest.raises(KeyboardInterrupt):
        explain(prepared, quiet, ONE)
    assert kept_values(home, made[0]) == values_of(before.headlines)
    (path,) = (home / "runs" / "hybrids").iterdir()
    path.write_text(path.read_text().replace('"value": ', '"value": 1', 1))
    assert kept_values(home, made[0]) is None
    assert "changed since the file was written); it is simulated again" in caplog.text
    again = make_hybrid(made.pop(), prepared.inputs[path_key(prepared, path)], (), quiet, ONE)
    assert again == values_of(before.headlines) == kept_values(home, path_key(prepared, path))


def path_key(prepared: Prepared, path: Path) -> str:
    return next(key for key in prepared.inputs if key.startswith(path.stem))

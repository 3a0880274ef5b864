"""In Chromium, from the form to the answer: own war, design and coalition, progress, page, the reference beside it."""

import re
import time
from pathlib import Path

import pytest

from forecast.storage.runs import open_run
from forecast.web.tokens import add_token
from forecast.workspace.init import create_workspace
from tests.support.browser import CHROMIUM, Browser
from tests.support.stored_fits import store_fits
from tests.web.test_service_process import served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: pages not opened"),
]
PATIENCE = 300.0  # seconds until the run has ended; not a measure of speed
PLAN = """title = "Base"
as_of = 2025-12-31
seed = 5
quarters = 24
draws = 64
paths = 128
joint_paths = 128
missions = ["kfor"]
"""
FIELDS = {
    "title": "Cease-fire and a force",
    "plan": "base",
    "war_label": "Cease-fire in 2027",
    "war_verdict": "Weak",
    "threats": "–",
    "norms": "=/–",
    "war_threat": "1.3",
    "war_ramp": "12",
    "design_label": "European pillar",
    "shift_leadership": "0.4",
    "design_ramp": "16",
    "first_responder": "0.5",
    "label": "Monitoring force",
    "intensity": "noncombat",
    "lead": "FRA",
    "start": "2027Q1",
    "contributors": "FRA 2500\\nGBR 1500\\nEST 120",
}


def test_from_the_form_to_the_answer_in_a_browser(tmp_path: Path) -> None:
    home = tmp_path / "home"
    create_workspace(home)
    (home / "runs" / "plans" / "base.toml").write_text(PLAN)
    store_fits(home, "base")
    token = add_token(home, "anna", "operator", "2026-01-01T00:00:00+00:00")
    with served(home) as (_, address), Browser(tmp_path / "profile") as browser:
        browser.open(f"{address}/new", 1440)
        assert browser.run("location.pathname") == "/login"
        browser.press(f"document.querySelector('[name=token]').value = '{token}'; document.forms[0].requestSubmit(); 0")
        assert browser.run("location.pathname") == "/", browser.run("document.body.innerText")
        browser.open(f"{address}/new", 1440)
        fill = "".join(f"form.elements['{name}'].value = '{value}';" for name, value in FIELDS.items())
        choose = "for (const box of form.querySelectorAll('[value=win], [value=none]')) box.checked = true;"
        find = "const form = document.querySelector('form[action=\"/new\"]');"
        browser.press(f"{find} {fill} {choose} form.requestSubmit(); 0")
        assert browser.run("location.pathname").startswith("/jobs/"), browser.run("document.body.innerText")
        seen = follow(browser)
        assert any("%" in text for text in seen)
        browser.press(
            "[...document.links].find((a) => a.text === 'Compare its scenarios with the reference').click(); 0"
        )
        assert browser.run("location.hash") == "#contrasts"
        assert browser.messages == []
        shown = browser.run("document.getElementById('contrasts').innerText")
        assert "Cease-fire in 2027" in shown and "European pillar" in shown and "less the reference" in shown
        browser.press("location.hash = 'war=cease_fire_in_2027&design=none&with=neutral/none'; location.reload(); 0")
        rows = browser.run("[...document.querySelectorAll('#readout tbody th')].map((cell) => cell.innerText)")
        assert rows == [f"{war} × No design (reference)" for war in ("Cease-fire in 2027", "Neutral reference")]
        assert "Monitoring force" in browser.run("document.getElementById('missions').innerText")
    run = open_run("cease_fire_and_a_force@latest", home)
    assert run.manifest["plan"]["war"] == ["neutral", "win", "cease_fire_in_2027"]
    assert run.manifest["plan"]["design"] == ["none", "european_pillar"]
    assert "cease_fire_in_2027" not in (home / "priors" / "scenarios" / "war.toml").read_text(encoding="utf-8")


def follow(browser: Browser) -> list[str]:
    """Read the progress until the run has ended, and return what the page said."""
    seen, end = [], time.monotonic() + PATIENCE
    while True:
        text = str(browser.run("document.body ? document.body.innerText : ''"))
        seen.append(text)
        if "Open the forecast" in text:
            return seen
        assert time.monotonic() < end and not re.search("^(failed|cancelled)", text, re.M), text
        time.sleep(0.2)

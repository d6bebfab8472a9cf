"""The labs, run as their readers run them: each starts a cloud of its own and tells a story."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def told(lab: str) -> str:
    """What a lab prints; it must end well and leave nothing on standard error."""
    environment = {name: value for name, value in os.environ.items() if name != "MESOCOSM_URL"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "labs" / lab / "lab.py")],
        env=environment | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "What was measured" in done.stdout
    return " ".join(done.stdout.split())


def test_the_oops() -> None:
    story = told("the-oops")
    assert "200 of 200 objects are gone" in story
    assert "100 objects of photos were deleted" in story
    assert "100 objects of photos-old were deleted" in story
    assert "byte for byte the same: yes" in story


def test_hub_and_spoke() -> None:
    story = told("hub-and-spoke")
    assert story.count("is not authorized to perform: sts:AssumeRole on resource") == 2
    assert "is not authorized to perform: s3:GetObject" in story
    assert "aws:resourcetag/project was 'boraelis'" in story.lower()
    assert "aws:principaltag/project was 'borealis'" in story.lower()
    assert "spoke-borealis/plan.txt: the plan of spoke-borealis" in story


def test_every_lab_is_in_the_list_and_tested() -> None:
    here = Path(__file__).read_text()
    page = (ROOT / "labs" / "README.md").read_text()
    labs = {path.parent.name for path in ROOT.glob("labs/*/lab.py")}
    assert labs
    assert labs == {
        name for name in labs if f"]({name}/lab.py)" in page and f'told("{name}")' in here
    }


def test_organization_guardrail() -> None:
    story = told("organization-guardrail")
    assert story.count("with an explicit deny in a service control policy") == 2
    assert "sqs:DeleteQueue: ExplicitlyDenied by scp" in story
    assert "DeleteQueue by admin: ok" in story
    assert "DeleteQueue by admin: AccessDenied" in story
    assert "DeleteQueue by Root: AccessDenied" in story


def test_the_alarm_that_rang() -> None:
    story = told("the-alarm-that-rang")
    assert "shop-errors: OK -> ALARM" in story
    assert "3 out of the last 5 datapoints [40.0" in story
    assert "shop-errors: ALARM -> OK" in story
    assert "203 lines of status 502" in story

"""The pytest plugin as other people's tests meet it, and its page."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PLUGIN = ("-p", "no:mesocosm", "-p", "mesocosm.testing.plugin", "-p", "no:cacheprovider")
BLOCK = re.compile(r"^```python ?(\S*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def outside(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of somebody else."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    return pytester


def run(outside: pytest.Pytester, *options: str) -> pytest.RunResult:
    return outside.runpytest_subprocess(*PLUGIN, "-W", "error", *options, timeout=120)


def test_the_page_is_true(outside: pytest.Pytester) -> None:
    blocks = BLOCK.findall((ROOT / "docs" / "testing.md").read_text())
    for number, (name, text) in enumerate(blocks):
        (outside.path / (name or f"test_page_{number}.py")).write_text(text)
    passed = sum(text.count("def test_") for _, text in blocks)
    assert passed >= 5
    run(outside).assert_outcomes(passed=passed)


def test_every_test_begins_anew(outside: pytest.Pytester) -> None:
    outside.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("turn", range(3))
        def test_nothing_is_left(mesocosm, turn):
            s3 = mesocosm.client("s3")
            assert s3.list_buckets()["Buckets"] == []
            s3.create_bucket(Bucket="left-behind")
            mesocosm.snapshot("the-same-name")
            mesocosm.advance(86400)
            s3.delete_bucket(Bucket="left-behind")
            mesocosm.rewind("the-same-name")
            assert len(s3.list_buckets()["Buckets"]) == 1
            assert len(mesocosm.world.branches()) == 3
        """
    )
    run(outside).assert_outcomes(passed=3)


def test_beginning_again_takes_milliseconds(outside: pytest.Pytester) -> None:
    outside.makepyfile(
        """
        import time

        def test_it(mesocosm):
            s3 = mesocosm.client("s3")
            s3.create_bucket(Bucket="full")
            for number in range(50):
                s3.put_object(Bucket="full", Key=str(number), Body=b"x")
            took = []
            for _ in range(20):
                begun = time.perf_counter()
                mesocosm.begin_again()
                took.append(time.perf_counter() - begun)
            print("median seconds:", sorted(took)[10])
            assert sorted(took)[10] < 0.05, took
        """
    )
    result = run(outside, "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*median seconds: 0.0*"])


def test_the_environment_is_set_and_put_back(outside: pytest.Pytester) -> None:
    outside.makepyfile(
        """
        import os, subprocess, sys

        def test_set(mesocosm_env):
            assert os.environ["AWS_ENDPOINT_URL"] == mesocosm_env.endpoint
            told = subprocess.run(
                [sys.executable, "-m", "mesocosm", "status"], capture_output=True, text=True
            )
            assert "000000000000" in told.stdout, told.stderr

        def test_put_back():
            assert "AWS_ENDPOINT_URL" not in os.environ
        """
    )
    run(outside).assert_outcomes(passed=2)


def test_nothing_is_loaded_that_is_not_used(outside: pytest.Pytester) -> None:
    outside.makepyfile(
        """
        import sys

        def test_it():
            assert not {"mesocosm.world", "msgspec", "botocore", "uvloop"} & set(sys.modules)
        """
    )
    run(outside).assert_outcomes(passed=1)


def test_the_fixtures_are_listed_with_their_meaning(outside: pytest.Pytester) -> None:
    outside.makepyfile("")
    run(outside, "--fixtures").stdout.fnmatch_lines(
        ["mesocosm -- *", "*A cloud with nothing in it*", "mesocosm_env -- *"]
    )


def test_installing_the_package_installs_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"mesocosm": "mesocosm.testing.plugin"}
    assert sys.version_info >= (3, 11)

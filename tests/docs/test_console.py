"""The console blocks of the pages are run, each page against a new cloud: every command ends well
and prints what the page says (numbers, times and ids apart).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import find_terraform
from tests.docs.pages import PAGES, ROOT, Command, blocks, commands, name

ELSEWHERE = ("make", "mesocosm up", ".venv/bin/", "export PATH", "git clone", "cd ", "time ")
"""What is tried by other tests, or by whoever installs."""
REFUSED = ("An error occurred", "mesocosm:")
MARK = "----tried----"


def tried(page: Path) -> list[Command]:
    return [one for one in commands(page) if not one.line.startswith(ELSEWHERE)]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    data = str(tmp_path / "cloud")
    server = subprocess.Popen(
        [sys.executable, "-m", "mesocosm", "up", "--port", "0", "--data", data, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )
    assert server.stdout is not None
    with server, server.stdout:
        try:
            yield json.loads(server.stdout.readline())["url"]
        finally:
            server.terminate()


@pytest.fixture
def environment(url: str, tmp_path: Path, aws_cli: str) -> dict[str, str]:
    """A shell in which `mesocosm` and `aws` are those under test, and nothing else is set."""
    (tmp_path / "bin").mkdir()
    for command, text in (
        ("mesocosm", f'exec "{sys.executable}" -m mesocosm "$@"'),
        ("aws", f'exec "{aws_cli}" "$@"'),
        ("python", f'exec "{sys.executable}" "$@"'),
    ):
        path = tmp_path / "bin" / command
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    return {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "src"),
        "MESOCOSM_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }


def plain(line: str) -> str:
    """A line without what differs from run to run."""
    line = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", line)
    line = re.sub(r" {2}\([\d.]+ \w+ (ahead of|behind) real time\)|, \d+ .* real time", "", line)
    line = re.sub(r"\d+(\.\d+)?", "#", line)
    return re.sub(r"[\s─]+", " ", line).strip()


def missing(printed: tuple[str, ...], said: str) -> str | None:
    """The first line that was promised and is not there, in order."""
    rest = iter([plain(line) for line in said.splitlines()])
    for line in printed:
        wanted = plain(line)
        if wanted not in ("...", "") and wanted not in rest:
            return line
    return None


@pytest.mark.needs("aws")
@pytest.mark.parametrize("page", [page for page in PAGES if tried(page)], ids=name)
def test_commands_do_what_the_page_says(
    page: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    steps = tried(page)
    for block in blocks(page, "json"):
        (tmp_path / "request.json").write_text(block)
    script = "".join(f'{{ {step.line}\n}} 2>&1; echo "{MARK}$?"\n' for step in steps)
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    told = re.split(rf"{MARK}(\d+)\n", done.stdout)
    assert len(told) == 2 * len(steps) + 1, done.stdout + done.stderr
    for step, said, status in zip(steps, told[0::2], told[1::2], strict=False):
        refused = any(line.startswith(REFUSED) for line in step.printed)
        assert (status != "0") == refused, f"$ {step.line}\n{said}"
        assert missing(step.printed, said) is None, f"$ {step.line}\n{said}"


def test_boto3_as_the_page_has_it(environment: dict[str, str], url: str) -> None:
    page = ROOT / "docs" / "clients.md"
    told = environment | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "222222222222",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for block in blocks(page, "python"):
        done = subprocess.run(
            [sys.executable, "-c", block],
            env=told,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout, done.returncode) == ("b'meow'\n", 0), done.stderr


def test_terraform_as_the_page_has_it(
    environment: dict[str, str], url: str, tmp_path: Path
) -> None:
    found = find_terraform()
    if isinstance(found, str):
        pytest.skip(found)
    (block,) = blocks(ROOT / "docs" / "clients.md", "hcl")
    (tmp_path / "main.tf").write_text(block.replace("http://127.0.0.1:4566", url))
    told = environment | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    for words in (
        ["init", f"-plugin-dir={found.plugins}"],
        ["apply", "-auto-approve"],
    ):
        done = subprocess.run(
            [found.program, *words, "-no-color"],
            env=told,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

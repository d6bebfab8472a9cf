"""The command as a process: ready line, commands against a running cloud, a clean end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SOURCES = str(Path(__file__).parents[2] / "src")
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("MESOCOSM_")}
ENVIRONMENT["PYTHONPATH"] = SOURCES


def mesocosm(*words: str, check: bool = True, given: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "mesocosm", *words],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=ENVIRONMENT,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def told(*words: str) -> Any:
    return json.loads(mesocosm(*words, "--json").stdout)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("cloud")
    ready = told("up", "--port", "0", "--data", str(data), "--detach")
    assert ready["data"] == str(data)
    yield ready["url"].rpartition(":")[2]
    mesocosm("down", "--data", str(data))
    assert not (data / "server.json").exists()


def test_version_needs_no_imports() -> None:
    code = "import sys; sys.argv = ['mesocosm', '--version']\n"
    code += "from mesocosm.cli.main import main; main()\n"
    code += "print(sorted({'typer', 'rich', 'msgspec', 'botocore'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=ENVIRONMENT,
    )
    assert done.stdout.splitlines() == ["mesocosm 0.1.0", "[]"]


def test_status_and_env(port: str) -> None:
    assert told("status", "--port", port)["account"] == "000000000000"
    shell = mesocosm("env", "--port", port).stdout
    assert f"export AWS_ENDPOINT_URL=http://127.0.0.1:{port}\n" in shell


def test_time_travel(port: str) -> None:
    mesocosm("snapshot", "first", "--port", port)
    assert told("snapshots", "--port", port)["snapshots"][0]["name"] == "first"
    mesocosm("clock", "advance", "2h", "--port", port)
    assert told("diff", "first", "--port", port)["changes"] == []
    assert told("diff", "first", "--all", "--port", port)["changes"]
    mesocosm("clock", "pause", "--port", port)
    mesocosm("snapshot", "still", "--port", port)
    back = mesocosm("rewind", "--to", "first", "--port", port).stdout
    assert "back at first" in back
    left = next(one["name"] for one in told("branches", "--port", port)["branches"])
    assert f"`mesocosm rewind --to {left}` returns to it" in back
    current = [one for one in told("branches", "--port", port)["branches"] if one["current"]]
    assert [one["parent"] for one in current] == [left]
    still = mesocosm("rewind", "--to", "still", "--port", port).stdout
    assert "and stands still" in still
    mesocosm("clock", "resume", "--port", port)
    fork = told("fork", "first", "--name", "other", "--port", port)
    other = fork["url"].rpartition(":")[2]
    assert told("status", "--port", other)["branch"] == "other"
    mesocosm("down", "--port", other, "--json")
    assert told("status", "--port", port)["branch"] != "other"


def test_the_clock_does_not_go_back(port: str) -> None:
    for words in (["advance", "-5m"], ["advance", "-90"], ["at", "2020-01-01T00:00:00Z"]):
        done = mesocosm("clock", *words, "--port", port, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("mesocosm: The clock only goes forward\n  `mesocosm rewind")
    mesocosm("clock", "advance", "0", "--port", port)
    done = mesocosm("clock", "rate", "-1", "--port", port, check=False)
    assert done.stderr.startswith("mesocosm: A rate is a number from 0")


def test_errors_say_what_to_do(port: str, tmp_path: Path) -> None:
    done = mesocosm("up", "--port", port, "--data", str(tmp_path), check=False)
    assert done.returncode == 1
    assert "mesocosm up --port 0" in done.stderr
    done = mesocosm("up", "--port", port, "--ephemeral", "--detach", check=False)
    assert "cannot be listened on" in done.stderr
    done = mesocosm("up", "--host", "0.0.0.0", check=False)
    assert "--listen-anyway" in done.stderr
    done = mesocosm("why", "nothing", "--port", port, "--json", check=False)
    assert json.loads(done.stderr)["error"] == "UnknownRequest"


def test_nothing_runs(tmp_path: Path) -> None:
    done = mesocosm("status", "--port", "1", check=False)
    assert done.returncode == 1
    assert "mesocosm up" in done.stderr
    assert told("down", "--port", "1")["stopped"] is False


def test_policy_simulation_needs_no_cloud() -> None:
    case = {
        "request": {
            "action": "s3:GetObject",
            "resource": {"resource": "arn:aws:s3:::b/k", "accountId": "111111111111"},
            "principal": "arn:aws:iam::111111111111:user/bob",
            "contextVariables": {},
        },
        "identityPolicies": [],
    }
    done = mesocosm("policy", "simulate", "-", given=json.dumps([case]))
    assert [one["result"] for one in json.loads(done.stdout)] == ["ImplicitlyDenied"]
    done = mesocosm("policy", "simulate", "-", given="{", check=False)
    assert "is not JSON" in done.stderr


def test_doctor_measures() -> None:
    facts = {fact["name"]: fact for fact in told("doctor")["facts"]}
    assert facts["python"]["found"]
    assert all(fact["detail"] for fact in facts.values())

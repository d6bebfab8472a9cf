"""`up` read without the library for command lines: the same as with it."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from mesocosm.cli import run
from mesocosm.cli.start import quick, start


def test_the_defaults_are_those_of_the_command() -> None:
    command = {name: given.default for name, given in inspect.signature(run.up).parameters.items()}
    plain = {name: given.default for name, given in inspect.signature(start).parameters.items()}
    assert plain == command


def test_plain_arguments() -> None:
    line = "--port 0 --data /d --seed 7 --durability power --history 1h/1GB --json -d --strict"
    assert quick(line.split()) == {
        "port": 0,
        "data": Path("/d"),
        "seed": 7,
        "durability": "power",
        "history": "1h/1GB",
        "as_json": True,
        "detach": True,
        "strict": True,
    }
    assert quick([]) == {}


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "--port",
        "--port x",
        "--port 70000",
        "--port=4566",
        "--seed -1",
        "--durability maybe",
        "--data --json",
        "--unknown 1",
        "extra",
    ],
)
def test_what_is_not_plain_is_left_to_the_library(line: str) -> None:
    assert quick(line.split()) is None

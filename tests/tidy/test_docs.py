"""The pages say what is so: commands exist, settings are described, no machine is named."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer.main
from tests.tidy.source import expect_none, python_files, text_files

from mesocosm.cli.app import app

CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"\bMESOCOSM_[A-Z_]+\b")
SUBSTITUTION = re.compile(r"\$\(.*\)")
MACHINE = re.compile(r"(?<![\w.*/-])/(?:work|root|opt/[a-z]|tmp/venv|home/[a-z])[\w./-]*")


def pages() -> list[tuple[str, str]]:
    return [(path, text) for path, text in text_files() if path.endswith(".md")]


def command_tree() -> Any:
    return typer.main.get_command(app)


def console_commands() -> Iterator[tuple[str, list[str]]]:
    """(page, words) of every `$ mesocosm ...` in a console block."""
    for path, text in pages():
        for block in CONSOLE.findall(text):
            for line in block.splitlines():
                if line.startswith("$ mesocosm"):
                    own = SUBSTITUTION.sub("", line[2:]).split(" | ")[0]
                    yield path, shlex.split(own, comments=True)


def options_of(command: Any) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, "--help")}


def wrong(words: list[str]) -> str | None:
    """What a command line names that does not exist."""
    command = command_tree()
    for word in words[1:]:
        if word.startswith("-"):
            if word.split("=")[0] not in options_of(command):
                return word
        elif hasattr(command, "commands"):
            found = command.commands.get(word)
            if found is None:
                return word
            command = found
    return None


def test_commands_in_pages_exist() -> None:
    expect_none(
        [
            f"{path}: `{shlex.join(words)}`: mesocosm knows no {stranger!r}"
            for path, words in console_commands()
            if (stranger := wrong(words))
        ]
    )


def test_a_wrong_command_is_noticed() -> None:
    assert wrong(["mesocosm", "clock", "advance", "24h"]) is None
    assert wrong(["mesocosm", "up", "--port", "4567"]) is None
    assert wrong(["mesocosm", "upp"]) == "upp"
    assert wrong(["mesocosm", "clock", "--fast"]) == "--fast"


def commands(group: Any, words: str = "mesocosm") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        yield f"{words} {name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{words} {name}")


def test_every_command_and_option_is_described() -> None:
    told = "\n".join(text for _, text in pages())
    missing = []
    for words, command in commands(command_tree()):
        if words not in told:
            missing.append(f"`{words}` is in no page: run `make docs`")
        missing += [
            f"`{words} {option}` is in no page: run `make docs`"
            for option in sorted(options_of(command))
            if option.startswith("--") and option != "--help" and option not in told
        ]
        if not command.help:
            missing.append(f"`{words}` has no help: give its function a docstring")
    expect_none(missing)


def test_every_setting_is_described() -> None:
    told = "\n".join(text for _, text in pages())
    read = {
        name
        for source in python_files()
        if source.path.startswith(("src/", "tests/", "bench/"))
        for name in SETTING.findall(source.text)
    }
    expect_none(
        [
            f"{name} is read from the environment but in no page"
            for name in sorted(read - told_of(told))
        ]
    )


def told_of(text: str) -> set[str]:
    return set(SETTING.findall(text))


def test_nothing_points_at_one_machine() -> None:
    expect_none(
        [
            f"{path} names {match.group()}: a path of one machine; take it from a setting"
            for path, text in text_files()
            for match in MACHINE.finditer(text)
            if path != "tests/tidy/test_docs.py"
        ]
    )

"""Fixtures that every test may use, and the rule about programs a test drives.

A test that drives another program says so: `@pytest.mark.needs("aws")`. Where the program is
missing the test is skipped with the reason; in continuous integration (CI is set) it fails, because
what a Python package index offers has to be there. Terraform and its provider come from elsewhere:
their absence is a skip everywhere.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from mesocosm.testing.local import LocalCloud

# A slow machine is no failure; in continuous integration the same examples run every time.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")


@pytest.fixture(scope="session")
def shared_cloud() -> Iterator[LocalCloud]:
    """One server for the whole run; tests take `cloud`, which begins anew."""
    from mesocosm.testing.local import LocalCloud  # the house rules run without a server

    local = LocalCloud()
    yield local
    local.close()


@pytest.fixture
def cloud(shared_cloud: LocalCloud) -> LocalCloud:
    """A cloud with nothing in it."""
    shared_cloud.begin_again()
    return shared_cloud


@pytest.fixture
def client(cloud: LocalCloud) -> Iterator[Callable[..., Any]]:
    """`client("s3", account="111111111111", region="eu-west-1")`: a boto3 client of that account's
    root user.
    """
    made: list[Any] = []

    def make(service: str, **options: Any) -> Any:
        made.append(cloud.client(service, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()  # its sockets would be collected in the middle of another test


# -- programs -------------------------------------------------------------------------------------

PLUGIN = "registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws*"
PLUGIN_PLACES = (
    "~/.terraform.d/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
)


class Terraform(NamedTuple):
    """The terraform program and a plugin directory with the AWS provider (for -plugin-dir)."""

    program: str
    plugins: str


def find_terraform() -> Terraform | str:
    """Terraform with its AWS provider, or why there is none."""
    program = shutil.which("terraform")
    if program is None:
        return "terraform is not on PATH"
    given = os.environ.get("TF_PLUGIN_DIR")
    places = [given] if given else [*PLUGIN_PLACES, *map(str, sorted(Path("/opt").glob("*/")))]
    for place in places:
        path = Path(place).expanduser()
        if any(path.glob(PLUGIN)):
            return Terraform(program, str(path))
    return f"no terraform-provider-aws under {', '.join(places)}: name its folder in TF_PLUGIN_DIR"


def program(name: str) -> str | None:
    """A program of this environment first, then of PATH."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


@pytest.fixture(scope="session")
def terraform() -> Terraform:
    """Terraform and its plugin directory; the test is skipped where they are missing."""
    found = find_terraform()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="session")
def aws_cli() -> str:
    """The path of the unmodified AWS CLI; use with `@pytest.mark.needs("aws")`."""
    found = program("aws")
    assert found, "mark the test with @pytest.mark.needs('aws')"
    return found


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is missing; fail it in continuous integration."""
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if program(name) is None:
                reason = f"{name} is missing: `make test` installs it"
                if os.environ.get("CI"):
                    pytest.fail(f"{reason} (a missing program is a failure where CI is set)")
                pytest.skip(reason)

"""Terraform: a configuration for each service with its common resources, applied, planned again
without a difference, changed, planned without a difference, destroyed.

Terraform waits much (25 seconds for every change of a queue) and starts a large provider for every
command, so all configurations run at the same time, each against a cloud of its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.clients import lives as modules
from tests.clients.terraform import TerraformRun

from mesocosm.testing.local import LocalCloud

if TYPE_CHECKING:
    from tests.conftest import Terraform

AT_ONCE = 3  # those that wait cost nothing, those that work share the processors

Life = Callable[[LocalCloud, TerraformRun], None]
SLOWEST = "sqs"  # begun first, asked last
NAMES = sorted(
    (module.name for module in pkgutil.iter_modules(modules.__path__)),
    key=lambda name: name != SLOWEST,
)


def life_of(name: str) -> Life:
    """What a service's module has Terraform go through."""
    module = importlib.import_module(f"tests.clients.lives.{name}")
    return cast(Life, module.life)


def live(life: Life, terraform: Terraform, folder: Path, data: Path) -> None:
    """Run one configuration from its beginning to its end."""
    cloud = LocalCloud()
    try:
        life(cloud, TerraformRun(terraform, folder, data))
    finally:
        cloud.close()


@pytest.fixture(scope="module")
def lives(
    request: pytest.FixtureRequest,
    terraform: Terraform,
    tmp_path_factory: pytest.TempPathFactory,
    terraform_data: Path,
) -> Iterator[dict[str, Future[None]]]:
    """The configurations of the tests to come, running."""
    wanted = {
        item.callspec.params["name"]
        for item in request.session.items
        if getattr(item, "function", None) is test_a_configuration_lives_and_dies
        and hasattr(item, "callspec")
    }
    TerraformRun(terraform, tmp_path_factory.mktemp("init"), terraform_data)  # once, before all
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="terraform") as pool:
        yield {
            name: pool.submit(
                live, life_of(name), terraform, tmp_path_factory.mktemp(name), terraform_data
            )
            for name in NAMES
            if name in wanted
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [*NAMES[1:], SLOWEST])
def test_a_configuration_lives_and_dies(name: str, lives: dict[str, Future[Any]]) -> None:
    lives[name].result()

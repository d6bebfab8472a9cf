"""Fixtures of the tests that drive unmodified clients."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.clients.terraform import TerraformRun

from mesocosm.testing.local import LocalCloud

if TYPE_CHECKING:
    from tests.conftest import Terraform


@pytest.fixture(scope="session")
def terraform_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `terraform init` leaves what every configuration shares."""
    return tmp_path_factory.mktemp("terraform")


@pytest.fixture
def terraform_run(terraform: Terraform, tmp_path: Path, terraform_data: Path) -> TerraformRun:
    """Terraform in a folder of its own."""
    return TerraformRun(terraform, tmp_path, terraform_data)


@pytest.fixture
def aws(cloud: LocalCloud, aws_cli: str, tmp_path: Path) -> Callable[..., Any]:
    """`aws("sqs", "list-queues", account=..., **environment)`: what the AWS CLI answers.

    JSON is read; other output is given as text, a failed command's standard error too.
    """

    def run(*arguments: str, account: str = "111111111111", **environment: str) -> Any:
        done = subprocess.run(
            # the AWS CLI of version 1 overlooks AWS_ENDPOINT_URL for SQS
            [aws_cli, "--endpoint-url", cloud.endpoint, *arguments],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                **cloud.environment(account),
                "AWS_EC2_METADATA_DISABLED": "true",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            return done.stderr.strip()
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout.strip()

    return run

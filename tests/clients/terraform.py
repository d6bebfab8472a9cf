"""Terraform as its users run it: one working folder, a configuration, and what each command said.

`terraform init` is done once for a test run: it only finds the provider, the same for every
configuration, so its data directory and lock file are shared.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mesocosm import services

if TYPE_CHECKING:
    from tests.conftest import Terraform

CONFIGURATIONS = Path(__file__).parent / "configurations"
SECONDS = 600  # for a command, on a machine that has much else to do
NO_DIFFERENCE, DIFFERENCE = 0, 2  # what `plan -detailed-exitcode` exits with

SERVICES = sorted(
    name.replace("-", "") for name in services.PACKAGES
)  # as the provider writes them

REQUIRED = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
"""
PROVIDER = """
provider "aws" {
%(alias)s
  region                  = "%(region)s"
  access_key              = "%(key)s"
  secret_key              = "%(secret)s"
  s3_use_path_style       = true
  skip_metadata_api_check = true
  max_retries             = 2
%(more)s
  endpoints {
%(endpoints)s
  }
}
"""


def provider(
    endpoint: str,
    *,
    alias: str = "",
    region: str = "us-east-1",
    account: str = "111111111111",
    credentials: dict[str, str] | None = None,
    more: str = "",
) -> str:
    """A provider block whose every service is the cloud at `endpoint`."""
    keys = credentials or {"AccessKeyId": account, "SecretAccessKey": "any"}
    return PROVIDER % {
        "alias": f'  alias = "{alias}"' if alias else "",
        "region": region,
        "key": keys["AccessKeyId"],
        "secret": keys["SecretAccessKey"],
        "more": more,
        "endpoints": "\n".join(f'    {name} = "{endpoint}"' for name in SERVICES),
    }


class TerraformRun:
    """A working folder with a configuration: `apply`, `plan`, `destroy`, each with variables."""

    def __init__(self, terraform: Terraform, folder: Path, data: Path) -> None:
        self.program = terraform.program
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "TF_DATA_DIR": str(data / "data"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            # whoever runs the tests may have a configuration of their own
            "AWS_CONFIG_FILE": str(folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
        }
        lock = data / ".terraform.lock.hcl"
        if not lock.exists():
            (folder / "required.tf").write_text(REQUIRED)
            self.run("init", f"-plugin-dir={terraform.plugins}")
            shutil.copy(folder / lock.name, lock)
        shutil.copy(lock, folder / lock.name)

    def configure(self, name: str, *providers: str) -> None:
        """Use configurations/<name>/ with these provider blocks."""
        (self.folder / "required.tf").write_text(REQUIRED)
        (self.folder / "providers.tf").write_text("".join(providers))
        for path in (CONFIGURATIONS / name).iterdir():
            shutil.copy(path, self.folder / path.name)

    def run(self, command: str, *arguments: str, expected: int = 0) -> str:
        """What a command wrote; the test fails with all of it unless it exits as expected."""
        done = subprocess.run(
            [self.program, f"-chdir={self.folder}", command, "-no-color", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        with (self.folder / "said.log").open("a") as log:
            log.write(f"$ terraform {command}\n{done.stdout}{done.stderr}")
        if done.returncode != expected:
            # a refusal is wrapped in lines of a box
            said = re.sub(r"\n│ *", "\n", done.stdout[-12000:] + done.stderr[-12000:])
            pytest.fail(f"terraform {command} exited with {done.returncode}:\n{said}")
        return done.stdout

    def apply(self, **variables: str) -> None:
        """Make it so; planned again, nothing differs."""
        self.run("apply", "-auto-approve", *arguments(variables))
        self.plan(**variables)

    def plan(self, expected: int = NO_DIFFERENCE, **variables: str) -> str:
        """Compare the configuration with the cloud."""
        return self.run("plan", "-detailed-exitcode", *arguments(variables), expected=expected)

    def destroy(self, **variables: str) -> None:
        """Delete all of it; the state is empty afterwards."""
        self.run("destroy", "-auto-approve", *arguments(variables))
        assert json.loads((self.folder / "terraform.tfstate").read_text())["resources"] == []

    def outputs(self) -> dict[str, Any]:
        """The outputs of the last apply (read from the state: no need to start a provider)."""
        state = json.loads((self.folder / "terraform.tfstate").read_text())
        return {name: output["value"] for name, output in state["outputs"].items()}


def arguments(variables: dict[str, str]) -> list[str]:
    """Variables as Terraform's command line takes them."""
    return [f"-var={name}={value}" for name, value in variables.items()]

"""What the labs share: a cloud to work on, clients, the `mesocosm` command, and plain output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

COMMAND = (sys.executable, "-m", "mesocosm")


class Lab:
    """One running cloud, named by its URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, service: str, keys: str | dict[str, Any]) -> Any:
        """A plain boto3 client. `keys`: an account (its root user), or keys from IAM or STS."""
        if isinstance(keys, str):
            keys = {"AccessKeyId": keys, "SecretAccessKey": "any"}
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=Config(s3={"addressing_style": "path"}),
        )

    def command(self, *words: str, shown: bool = True) -> str:
        """Run the `mesocosm` command on this cloud, show it, and return what it printed."""
        if shown:
            print(f"  $ mesocosm {' '.join(words)}")
        done = subprocess.run(
            [*COMMAND, *words],
            env=os.environ | {"MESOCOSM_URL": self.url},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"mesocosm {' '.join(words)} failed: {done.stderr}")
        return done.stdout

    def calls(self) -> list[dict[str, Any]]:
        """The calls so far, as `mesocosm calls --json` tells them."""
        lines = self.command("calls", "--limit", "1000", "--json").splitlines()
        return [json.loads(line) for line in lines]

    def measured(self) -> None:
        """How many calls were made, how they were decided, and how long they took."""
        step("What was measured")
        calls = self.calls()
        micros = sorted(call["micros"] for call in calls)
        denied = [call for call in calls if call["decision"].endswith("Denied")]
        slowest = max(calls, key=lambda call: call["micros"])
        say(f"{len(calls)} calls, {len(denied)} of them denied")
        say(
            f"time in the cloud: median {micros[len(micros) // 2] / 1000:.2f} ms, longest "
            f"{micros[-1] / 1000:.2f} ms ({slowest['service']}:{slowest['operation']})"
        )


@contextmanager
def cloud() -> Iterator[Lab]:
    """The cloud of MESOCOSM_URL, or one started for the time of the lab."""
    if url := os.environ.get("MESOCOSM_URL"):
        yield Lab(url)
        return
    server = subprocess.Popen(
        [*COMMAND, "up", "--ephemeral", "--port", "0", "--json"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    with server, server.stdout:
        line = server.stdout.readline()
        if not line:
            sys.exit("the cloud did not start")
        try:
            yield Lab(json.loads(line)["url"])
        finally:
            server.terminate()


def step(title: str) -> None:
    """A heading."""
    print(f"\n{title}\n{'-' * len(title)}")


def say(text: str) -> None:
    """One fact."""
    print(textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="    "))


def refused(call: Callable[[], Any]) -> ClientError:
    """Make a call that must be denied; show and return the denial."""
    try:
        call()
    except ClientError as error:
        if not error.response["Error"]["Code"].startswith("AccessDenied"):
            raise
        say(f"{error.response['Error']['Code']}: {error.response['Error']['Message']}")
        return error
    sys.exit("this call should have been denied, and was not")


def request_id(error: ClientError) -> str:
    """What `mesocosm why` wants to know."""
    found: str = error.response["ResponseMetadata"]["RequestId"]
    return found


def decisions(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """The decisions that were not allowed, of what `mesocosm why --json` tells."""
    return [one for one in tree["decisions"] if one["result"] != "Allowed"]

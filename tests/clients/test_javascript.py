"""The AWS SDK for JavaScript (v3), where node finds it.

It is no requirement of the project: `npm install @aws-sdk/client-s3 @aws-sdk/client-sqs
@aws-sdk/client-sts` in some folder, and its node_modules in NODE_PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mesocosm.testing.local import LocalCloud

SCRIPT = Path(__file__).parent / "javascript" / "smoke.cjs"


def test_the_javascript_sdk(cloud: LocalCloud) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on PATH")
    environment = {**os.environ, **cloud.environment("111111111111")}
    found = subprocess.run(
        [node, "-e", "require.resolve('@aws-sdk/client-s3')"],
        env=environment,
        capture_output=True,
        check=False,
        timeout=60,
    )
    if found.returncode:
        pytest.skip("node does not find @aws-sdk/client-s3: name its node_modules in NODE_PATH")
    done = subprocess.run(
        [node, str(SCRIPT)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "arn": "arn:aws:iam::111111111111:root",
        "denied": ["AccessDenied", 403],
        "object": ["hello", "1", "NhCmhg=="],
        "keys": ["a b/ü"],
        "deleted": ["a b/ü"],
        "missing": ["NotFound", 404],
        "noKey": "NoSuchKey",
        "sent": 2,
        "bodies": ["hi", "x", "y"],
        "queues": [f"{cloud.endpoint}/111111111111/q"],
        "noQueue": "QueueDoesNotExist",
    }

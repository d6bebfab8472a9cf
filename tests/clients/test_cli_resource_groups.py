"""The unmodified AWS CLI: the tagging API and resource groups."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud


@pytest.mark.needs("aws")
def test_what_is_tagged_is_found_and_grouped(cloud: LocalCloud, aws_cli: str) -> None:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def aws(service: str, *arguments: str) -> Any:
        done = subprocess.run(
            [aws_cli, service, "--endpoint-url", cloud.endpoint, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return json.loads(done.stdout) if done.stdout.strip() else None

    sqs = cloud.client("sqs")
    sqs.create_queue(QueueName="q")
    sqs.close()
    arn = "arn:aws:sqs:us-east-1:000000000000:q"
    tagging = "resourcegroupstaggingapi"
    aws(tagging, "tag-resources", "--resource-arn-list", arn, "--tags", "team=a")
    found = aws(tagging, "get-resources", "--tag-filters", "Key=team,Values=a")
    assert [one["ResourceARN"] for one in found["ResourceTagMappingList"]] == [arn]
    text = {"ResourceTypeFilters": ["AWS::AllSupported"], "TagFilters": [{"Key": "team"}]}
    query = json.dumps({"Type": "TAG_FILTERS_1_0", "Query": json.dumps(text)})
    aws("resource-groups", "create-group", "--name", "g", "--resource-query", query)
    listed = aws("resource-groups", "list-group-resources", "--group", "g")
    assert listed["ResourceIdentifiers"][0]["ResourceArn"] == arn

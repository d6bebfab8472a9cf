"""Terraform and IAM: applied, planned again without a difference, changed, destroyed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mesocosm.testing.local import LocalCloud

if TYPE_CHECKING:
    from tests.conftest import Terraform

PROVIDER = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region     = "us-east-1"
  access_key = "111111111111"
  secret_key = "any"
  endpoints {
    iam = "ENDPOINT"
    sts = "ENDPOINT"
  }
}
variable "team" { default = "a" }
"""
RESOURCES = """
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com", "lambda.amazonaws.com"]
    }
    principals {
      type        = "AWS"
      identifiers = [aws_iam_user.it.arn]
    }
  }
}
data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::${var.team}", "arn:aws:s3:::${var.team}/*"]
  }
}
data "aws_iam_policy" "read_only" { name = "ReadOnlyAccess" }
resource "aws_iam_account_alias" "it" { account_alias = "mesocosm-${var.team}" }
resource "aws_iam_account_password_policy" "it" {
  minimum_password_length = 12
  require_symbols         = true
}
resource "aws_iam_user" "it" {
  name = "u"
  path = "/${var.team}/"
  tags = { team = var.team }
}
resource "aws_iam_access_key" "it" { user = aws_iam_user.it.name }
resource "aws_iam_user_login_profile" "it" { user = aws_iam_user.it.name }
resource "aws_iam_user_policy" "it" {
  user   = aws_iam_user.it.name
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_user_policy_attachment" "it" {
  user       = aws_iam_user.it.name
  policy_arn = aws_iam_policy.it.arn
}
resource "aws_iam_group" "it" { name = "g" }
resource "aws_iam_group_membership" "it" {
  name  = "members"
  group = aws_iam_group.it.name
  users = [aws_iam_user.it.name]
}
resource "aws_iam_group_policy" "it" {
  group  = aws_iam_group.it.name
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_group_policy_attachment" "it" {
  group      = aws_iam_group.it.name
  policy_arn = data.aws_iam_policy.read_only.arn
}
resource "aws_iam_policy" "it" {
  name        = "p"
  description = "reads"
  policy      = data.aws_iam_policy_document.read.json
  tags        = { team = var.team }
}
resource "aws_iam_role" "it" {
  name                 = "r"
  description          = "role of ${var.team}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.it.arn
  tags                 = { team = var.team }
}
resource "aws_iam_role_policy" "it" {
  name   = "inline"
  role   = aws_iam_role.it.id
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_role_policy_attachment" "it" {
  role       = aws_iam_role.it.name
  policy_arn = aws_iam_policy.it.arn
}
resource "aws_iam_instance_profile" "it" {
  name = "ip"
  role = aws_iam_role.it.name
}
resource "aws_iam_service_linked_role" "it" { aws_service_name = "ecs.amazonaws.com" }
resource "aws_iam_openid_connect_provider" "it" {
  url             = "https://token.example.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
}
resource "aws_iam_virtual_mfa_device" "it" { virtual_mfa_device_name = "phone" }
"""


def test_a_configuration_with_the_common_resources(
    cloud: LocalCloud, terraform: Terraform, tmp_path: Path
) -> None:
    text = PROVIDER.replace("ENDPOINT", cloud.endpoint) + RESOURCES
    (tmp_path / "main.tf").write_text(text)
    environment = {
        **os.environ,
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def run(*arguments: str, expected: int = 0) -> str:
        done = subprocess.run(
            [terraform.program, f"-chdir={tmp_path}", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        if done.returncode != expected:
            pytest.fail(f"terraform {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    run("init", "-no-color", f"-plugin-dir={terraform.plugins}")
    run("apply", "-no-color", "-auto-approve")
    run("plan", "-no-color", "-detailed-exitcode")
    run("apply", "-no-color", "-auto-approve", "-var=team=b")
    run("destroy", "-no-color", "-auto-approve", "-var=team=b")
    iam = cloud.client("iam", account="111111111111")
    assert iam.list_users()["Users"] == []
    assert iam.list_roles()["Roles"] == []

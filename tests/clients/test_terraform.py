"""Terraform: a configuration for each service with its common resources, applied, planned again
without a difference, changed, planned without a difference, destroyed.

Terraform waits much (25 seconds for every change of a queue) and starts a large provider for every
command, so all configurations run at the same time, each against a cloud of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.clients import papers
from tests.clients.terraform import TerraformRun, provider

from mesocosm.testing.local import LocalCloud

if TYPE_CHECKING:
    from tests.conftest import Terraform

ACCOUNT = "111111111111"
OTHER = "222222222222"
AT_ONCE = 3  # those that wait cost nothing, those that work share the processors

Life = Callable[[LocalCloud, TerraformRun], None]


def iam(cloud: LocalCloud, run: TerraformRun) -> None:
    """Identities of all kinds."""
    run.configure("iam", provider(cloud.endpoint))
    papers.write(run.folder)
    run.apply(team="a")
    client = cloud.client("iam", account=ACCOUNT)
    assert [user["UserName"] for user in client.list_users()["Users"]] == ["other", "u"]
    assert run.outputs()["allowed"] is True
    assert run.outputs()["group"] == ["u"]
    assert client.list_account_aliases()["AccountAliases"] == ["mesocosm-a"]

    run.apply(team="b")
    assert client.get_role(RoleName="r")["Role"]["Description"] == "role of b"
    (key,) = client.list_access_keys(UserName="other")["AccessKeyMetadata"]
    assert key["Status"] == "Inactive"

    run.destroy(team="b")
    assert client.list_users()["Users"] == []
    assert client.list_roles()["Roles"] == []
    assert client.list_groups()["Groups"] == []
    assert client.list_policies(Scope="Local")["Policies"] == []
    assert client.list_server_certificates()["ServerCertificateMetadataList"] == []
    assert client.list_saml_providers()["SAMLProviderList"] == []
    client.close()


def sqs(cloud: LocalCloud, run: TerraformRun) -> None:
    """Queues in two Regions, with dead letters and policies."""
    abroad = provider(cloud.endpoint, alias="abroad", region="eu-west-1")
    run.configure("sqs", provider(cloud.endpoint), abroad)
    run.apply(seconds="30")
    client = cloud.client("sqs", account=ACCOUNT)
    outputs = run.outputs()
    assert outputs["abroad"] == f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders"
    assert len(client.list_queues()["QueueUrls"]) == 6

    run.apply(seconds="40")
    found = client.get_queue_attributes(QueueUrl=outputs["orders"], AttributeNames=["All"])
    assert found["Attributes"]["VisibilityTimeout"] == "40"
    assert client.list_queue_tags(QueueUrl=outputs["orders"])["Tags"] == {"seconds": "40"}

    run.destroy(seconds="40")
    assert "QueueUrls" not in client.list_queues()
    client.close()


def s3(cloud: LocalCloud, run: TerraformRun) -> None:
    """Buckets with all that can be configured, and objects."""
    queues = cloud.client("sqs", account=ACCOUNT)
    allowed = (
        '{"Statement": {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},'
        f' "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:us-east-1:{ACCOUNT}:events"}}}}'
    )
    queues.create_queue(QueueName="events", Attributes={"Policy": allowed})
    queues.close()
    abroad = provider(cloud.endpoint, alias="abroad", region="eu-west-1")
    run.configure("s3", provider(cloud.endpoint), abroad)
    run.apply(team="a")
    client = cloud.client("s3", account=ACCOUNT)
    assert len(client.list_buckets()["Buckets"]) == 5
    outputs = run.outputs()
    assert (outputs["index"], outputs["region"]) == ("<h1>a</h1>", "us-east-1")
    assert outputs["keys"] == ["copy.html", "index.html"]

    run.apply(team="b")
    rules = client.get_bucket_lifecycle_configuration(Bucket=f"it-{ACCOUNT}")["Rules"]
    assert rules[0]["Transitions"][0]["Days"] == 60
    assert run.outputs()["index"] == "<h1>b</h1>"

    run.destroy(team="b")
    assert client.list_buckets()["Buckets"] == []
    client.close()


def organizations(cloud: LocalCloud, run: TerraformRun) -> None:
    """An organization with units, an account, policies and a delegated administrator."""
    run.configure("organizations", provider(cloud.endpoint))
    run.apply(team="a")
    client = cloud.client("organizations", account=ACCOUNT)
    shop = run.outputs()["shop"]
    assert sorted(run.outputs()["below"]) == [f"account-{ACCOUNT}", "shop"]
    member = cloud.client("organizations", account=shop)
    assert member.describe_organization()["Organization"]["MasterAccountId"] == ACCOUNT

    run.apply(team="b")
    assert run.outputs()["shop"] == shop
    (parent,) = client.list_parents(ChildId=shop)["Parents"]
    assert parent["Id"] == run.outputs()["parent"]

    cloud.advance(5 * 86400)  # an account made by an organization cannot leave it for four days
    run.destroy(team="b")
    with pytest.raises(client.exceptions.AWSOrganizationsNotInUseException):
        client.describe_organization()
    member.close()
    client.close()


def account(cloud: LocalCloud, run: TerraformRun) -> None:
    """Contacts and Regions of the account, and resources of another one through a role there."""
    with_key, role = papers.assumable(cloud, ACCOUNT, OTHER)
    through = "\n".join(
        (
            "  assume_role {",
            f'    role_arn     = "{role}"',
            '    external_id  = "shop"',
            '    session_name = "tf"',
            "  }",
        )
    )
    there = provider(
        cloud.endpoint, alias="there", region="eu-west-1", credentials=with_key, more=through
    )
    run.configure("account", provider(cloud.endpoint), there)
    cloud.do(cloud.world.clock.rate, 10)  # turning a Region on takes a minute
    run.apply(team="a")
    outputs = run.outputs()
    assert outputs["here"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert outputs["there"] == f"arn:aws:sts::{OTHER}:assumed-role/deploy/tf"
    assert outputs["queue"] == f"arn:aws:sqs:eu-west-1:{OTHER}:made-there"
    assert outputs["zones"][0] == "us-east-1a"
    client = cloud.client("account", account=ACCOUNT)
    assert client.get_contact_information()["ContactInformation"]["FullName"] == "Ana a"

    run.apply(team="b")
    assert client.get_contact_information()["ContactInformation"]["FullName"] == "Ana b"

    run.destroy(team="b")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_alternate_contact(AlternateContactType="BILLING")
    client.close()


def cloudtrail(cloud: LocalCloud, run: TerraformRun) -> None:
    """Trails with both kinds of selectors."""
    run.configure("cloudtrail", provider(cloud.endpoint))
    run.apply(team="a")
    client = cloud.client("cloudtrail", account=ACCOUNT)
    assert client.get_trail_status(Name="all")["IsLogging"] is True
    run.apply(team="b")
    assert client.get_trail_status(Name="all")["IsLogging"] is False
    run.destroy(team="b")
    assert client.list_trails()["Trails"] == []
    client.close()


LIVES: dict[str, Life] = {
    life.__name__: life for life in (sqs, account, s3, iam, organizations, cloudtrail)
}


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
            name: pool.submit(live, life, terraform, tmp_path_factory.mktemp(name), terraform_data)
            for name, life in LIVES.items()
            if name in wanted
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [*LIVES][1:] + [*LIVES][:1])  # the slowest is asked last
def test_a_configuration_lives_and_dies(name: str, lives: dict[str, Future[Any]]) -> None:
    lives[name].result()

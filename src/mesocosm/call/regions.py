"""The Regions there are, and which of them an account has opted in to.

Two services show this (account and ec2), so it lies beneath them. Source: AWS Account Management
reference guide, "Enable or disable AWS Regions in your account"; names from botocore's endpoints.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from mesocosm.world import Table, World

CELL_REGION = "aws-global"


class Region(NamedTuple):
    """A Region. `code` begins the ids of its zones (`use1-az1`), `zones` end their names."""

    name: str
    code: str
    zones: str
    opt_in: bool = False


class Choice(msgspec.Struct, frozen=True):
    """What an account has chosen for a Region that is off unless opted in to.

    `status`: ENABLING, ENABLED, DISABLING or DISABLED; `since` in epoch seconds.
    """

    status: str
    since: float


choices: Table[str, Choice] = Table("account.regions", Choice)

REGIONS = {
    region.name: region
    for region in (
        Region("af-south-1", "afs1", "abc", True),
        Region("ap-east-1", "ape1", "abc", True),
        Region("ap-east-2", "ape2", "abc", True),
        Region("ap-northeast-1", "apne1", "acd"),
        Region("ap-northeast-2", "apne2", "abcd"),
        Region("ap-northeast-3", "apne3", "abc"),
        Region("ap-south-1", "aps1", "abc"),
        Region("ap-south-2", "aps2", "abc", True),
        Region("ap-southeast-1", "apse1", "abc"),
        Region("ap-southeast-2", "apse2", "abc"),
        Region("ap-southeast-3", "apse3", "abc", True),
        Region("ap-southeast-4", "apse4", "abc", True),
        Region("ap-southeast-5", "apse5", "abc", True),
        Region("ap-southeast-6", "apse6", "abc", True),
        Region("ap-southeast-7", "apse7", "abc", True),
        Region("ca-central-1", "cac1", "abd"),
        Region("ca-west-1", "caw1", "abc", True),
        Region("eu-central-1", "euc1", "abc"),
        Region("eu-central-2", "euc2", "abc", True),
        Region("eu-north-1", "eun1", "abc"),
        Region("eu-south-1", "eus1", "abc", True),
        Region("eu-south-2", "eus2", "abc", True),
        Region("eu-west-1", "euw1", "abc"),
        Region("eu-west-2", "euw2", "abc"),
        Region("eu-west-3", "euw3", "abc"),
        Region("il-central-1", "ilc1", "abc", True),
        Region("me-central-1", "mec1", "abc", True),
        Region("me-south-1", "mes1", "abc", True),
        Region("mx-central-1", "mxc1", "abc", True),
        Region("sa-east-1", "sae1", "abc"),
        Region("us-east-1", "use1", "abcdef"),
        Region("us-east-2", "use2", "abc"),
        Region("us-west-1", "usw1", "ac"),
        Region("us-west-2", "usw2", "abcd"),
    )
}


def opt_status(world: World, account: str, region: Region) -> str:
    """ENABLED_BY_DEFAULT, or for a Region that is off by default what the account has chosen."""
    if not region.opt_in:
        return "ENABLED_BY_DEFAULT"
    choice = world.rows(choices, account, CELL_REGION).get(region.name)
    return choice.status if choice is not None else "DISABLED"

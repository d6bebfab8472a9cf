"""What a service declares of its resources that have tags, so that the tagging API and resource
groups know every service without a list of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.cloud import Cloud
    from mesocosm.call.service import Service
    from mesocosm.world import World

GLOBAL = "aws-global"
GLOBAL_HOME = "us-east-1"

Listed: TypeAlias = Callable[["World", str, str], Iterable[tuple[str, Mapping[str, str]]]]
"""Of a world, an account and a Region ("aws-global" for global services): ARNs and their tags."""
AddTags: TypeAlias = Callable[["Call", str, Mapping[str, str]], Any]
RemoveTags: TypeAlias = Callable[["Call", str, Sequence[str]], Any]


class Tagged(NamedTuple):
    """A kind of resource with tags: how to list it, and which of the service's operations tag it.

    `type` is CloudFormation's name of the kind; `pattern` fits its ARNs and no others'. `add` and
    `remove` make the request of the operation they are named beside.
    """

    type: str
    pattern: re.Pattern[str]
    listed: Listed
    tag: str
    add: AddTags
    untag: str
    remove: RemoveTags


def arn_pattern(text: str) -> re.Pattern[str]:
    """A pattern of ARNs, where `*` stands for anything without a colon or slash and `**` for
    anything: `arn:aws:sqs:*:*:*`, `arn:aws:iam::*:policy/**`.
    """
    parts = re.split(r"(\*\*|\*)", text)
    wild = {"**": ".+", "*": "[^:/]*"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts))


class Found(NamedTuple):
    """A resource with its tags. `kind` is how its service declares it."""

    arn: str
    tags: Mapping[str, str]
    kind: Tagged

    @property
    def types(self) -> tuple[str, str]:
        """What the kind is called in filters: by its ARN (`iam:policy`; `sqs:` where ARNs name no
        kind) and by CloudFormation (`sqs:queue`).
        """
        _, _, service, _, _, rest = self.arn.split(":", 5)
        named = re.match(r"([a-z-]+)[/:]", rest)
        _, owner, kind = self.kind.type.lower().split("::")
        return f"{service}:{named[1] if named else ''}", f"{owner}:{kind}"

    def is_of(self, wanted: str) -> bool:
        """Whether a filter `service[:type]` means it."""
        service, _, kind = wanted.lower().partition(":")
        return any(
            service == owner and kind in ("", name)
            for owner, _, name in (known.partition(":") for known in self.types)
        )


def tagged_resources(cloud: Cloud, account: str, region: str) -> Iterator[Found]:
    """Every resource with tags of an account in a Region, over all services; those of global
    services are in us-east-1.
    """
    for name in sorted({table.partition(".")[0] for table in cloud.world.tables_in_use()}):
        service = cloud.catalogue.service(name)
        if service is None or (service.is_global and region != GLOBAL_HOME):
            continue
        place = GLOBAL if service.is_global else region
        for kind in service.tagged_kinds:
            for arn, tags in kind.listed(cloud.world, account, place):
                if tags:
                    yield Found(arn, tags, kind)


def kind_of(cloud: Cloud, arn: str) -> tuple[Service, Tagged] | None:
    """The service of an ARN and the kind of its resource; None when it can have no tags."""
    service = cloud.catalogue.owner(arn)
    if service is not None:
        for kind in service.tagged_kinds:
            if kind.pattern.fullmatch(arn):
                return service, kind
    return None

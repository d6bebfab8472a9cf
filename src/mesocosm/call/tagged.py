"""What a service declares of its resources that have tags, so that the tagging API and resource
groups know every service without a list of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.world import World

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

"""Python names for the names of the models: `MessageId` is `message_id`, `ReplaceKeyPrefixWith`
`replace_key_prefix_with`.

The rule is botocore's `xform_name`, so that attributes are called as in boto3's own waiters and
methods.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from functools import lru_cache

_PLURAL_ACRONYM = re.compile("[A-Z]{2,}s$")
_FIRST_CAP = re.compile("(.)([A-Z][a-z]+)")
_END_CAP = re.compile("([a-z0-9])([A-Z])")


@lru_cache(maxsize=65536)
def snake(name: str) -> str:
    """The name in snake case; unchanged when it has an underscore already."""
    if "_" in name:
        return name
    acronym = _PLURAL_ACRONYM.search(name)
    if acronym is not None:
        # ListWebACLs: the plural s belongs to the acronym.
        matched = acronym.group()
        name = f"{name[: -len(matched)]}_{matched.lower()}"
    return _END_CAP.sub(r"\1_\2", _FIRST_CAP.sub(r"\1_\2", name)).lower()


def attribute(name: str) -> str:
    """The attribute of a member: snake case, a Python identifier, keywords with a trailing
    underscore.
    """
    found = re.sub(r"\W", "_", snake(name))
    if found[0].isdigit():
        found = f"n{found}"
    if keyword.iskeyword(found):
        found += "_"
    # A doubled leading underscore would be mangled inside a class body.
    return found.lstrip("_") or found if found.startswith("__") else found


def attributes(names: Iterable[str]) -> dict[str, str]:
    """The attribute of each member of a structure; two that would collide keep apart by an
    underscore.
    """
    taken: set[str] = set()
    result = {}
    for name in names:
        found = attribute(name)
        while found in taken:
            found += "_"
        taken.add(found)
        result[name] = found
    return result

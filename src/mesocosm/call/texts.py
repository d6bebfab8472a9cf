"""The policies that speak in a decision, as texts: what is kept so that it can be explained."""

from __future__ import annotations

import msgspec

from mesocosm.call.authority import PolicyText

Levels = tuple[tuple[str, tuple[PolicyText, ...]], ...]


class StackTexts(msgspec.Struct, frozen=True):
    """Everything that speaks for or against a principal, as texts: what an explanation is made
    from.
    """

    identity: tuple[PolicyText, ...] = ()
    boundary: tuple[PolicyText, ...] = ()
    session: tuple[PolicyText, ...] | None = None
    scps: Levels = ()


class ResourceTexts(msgspec.Struct, frozen=True):
    """What speaks on the side of a resource."""

    policy: PolicyText | None = None
    kind: str = ""
    rcps: Levels = ()
    grants: tuple[str, ...] = ()

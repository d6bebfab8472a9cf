"""Sessions: the temporary credentials of one cloud, and the look-up the call floor makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesocosm.call.authority import Credential, PolicyText
from mesocosm.iam import Principal
from mesocosm.services.sts import rules, sts
from mesocosm.wire.errors import AwsError
from mesocosm.world import Table

if TYPE_CHECKING:
    from mesocosm.world import World

PARTITION_WIDE = ("", "aws-global")
KEPT_AFTER_EXPIRY_S = 30 * 86_400
"""An expired session is known for a while, so that its key is refused as expired and not taken for
a stranger's.
"""


KEPT_AT_HAND = 4_096
"""Credentials that are not made anew for each call."""


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Temporary credentials. `policies`: the session policies; None when none were given."""

    secret: str
    token: str
    principal: Principal
    issued: float
    expires: float
    policies: tuple[PolicyText, ...] | None = None


sessions: Table[str, Session] = Table("sts.sessions", Session)


@sts.provides("sessions")
class Sessions:
    """The sessions of one world, by access key id."""

    def __init__(self, world: World) -> None:
        self._rows = world.rows(sessions, *PARTITION_WIDE)
        self._made: dict[str, tuple[Session, Credential]] = {}

    def credential(self, access_key_id: str) -> Credential | None:
        """The credential of a session, also of an expired one."""
        row = self._rows.get(access_key_id)
        if row is None:
            return None
        made = self._made.get(access_key_id)
        if made is None or made[0] is not row:
            if len(self._made) >= KEPT_AT_HAND:
                self._made.clear()
            credential = Credential(
                access_key_id, row.secret, row.principal, row.token, row.expires, True, row.policies
            )
            made = self._made[access_key_id] = row, credential
        return made[1]

    def limit(self, principal: Principal, service: str, operation: str) -> AwsError | None:
        """The refusal of an operation that sessions of this kind cannot call; None if they can."""
        if principal.assumed_root:
            return None
        return rules.session_limit(principal.kind, bool(principal.mfa), service, operation)


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key with which an account's own tokens are signed (PEM); one per account and algorithm."""

    id: str
    algorithm: str
    pem: bytes


signing_keys: Table[str, SigningKey] = Table("sts.signing_keys", SigningKey)

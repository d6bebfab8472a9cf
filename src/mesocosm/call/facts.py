"""The condition keys that every request has (IAM user guide, "AWS global condition context keys").

Each is made when a policy first reads it: most policies read none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mesocosm.call.moments import iso
from mesocosm.iam import Context

if TYPE_CHECKING:
    from mesocosm.call.authority import Membership
    from mesocosm.call.call import Call
    from mesocosm.call.service import Need, Target
    from mesocosm.iam.context import Value

NO_TAGS: Mapping[str, str] = {}


class Facts(Context):
    """The context of one decision. `own` are the keys of the principal, `own_tags` its tags;
    `tags` are those in the request. What the operation gives goes before all others."""

    __slots__ = ("_call", "_given", "_need", "_own", "_own_tags", "_tags", "_target")

    def __init__(
        self,
        call: Call,
        need: Need,
        target: Target,
        own: Mapping[str, Value | None],
        own_tags: Mapping[str, str],
        tags: Mapping[str, str] | None,
    ) -> None:
        # The dict is empty: that of `Context` need not be filled.
        self._call = call
        self._need = need
        self._target = target
        self._own = own
        self._own_tags = own_tags
        self._tags = tags
        self._given: dict[str, Value | None] | None = None

    def __missing__(self, key: str) -> Value | None:
        given = self._given
        if given is None:
            given = {name.lower(): value for name, value in self._need.given().items()}
            self._given = given
        value = given.get(key)
        if value is None:
            value = self._own.get(key)
        if value is None:
            value = self._tag(key) if "/" in key else self._fact(key)
        self[key] = value
        return value

    def _tag(self, key: str) -> str | None:
        prefix, _, name = key.partition("/")
        tags: Mapping[str, str] | None = None
        match prefix:
            case "aws:resourcetag":
                tags = self._target.tags
            case "aws:principaltag":
                tags = self._own_tags
            case "aws:requesttag":
                tags = self._tags
        found = (value for tag, value in (tags or NO_TAGS).items() if tag.lower() == name)
        return next(found, None)

    def _fact(self, key: str) -> Value | None:
        call = self._call
        principal = call.principal
        match key:
            case "aws:securetransport":
                return "true" if call.secure else "false"
            case "aws:requestedregion":
                return "us-east-1" if call.service.is_global else call.location
            case "aws:resourceaccount":
                return self._target.account
            case "aws:useragent":
                return call.user_agent or None
            case "aws:sourceip":
                return call.source_ip if self._direct else None
            case "aws:referer":
                http = call.http
                return http.headers.get("referer") or None if http and self._direct else None
            case "aws:tagkeys":
                return list(self._tags) if self._tags else None
            case "aws:currenttime":
                return iso(call.now)
            case "aws:epochtime":
                return str(int(call.now))
            case "aws:tokenissuetime":
                return iso(principal.issued_at) if principal.issued_at else None
            case "aws:multifactorauthage":
                return str(int(call.now - principal.mfa_at)) if principal.mfa_at else None
            case "aws:resourceorgid":
                membership = self._membership(self._target.account)
                return membership.organization if membership else None
            case "aws:resourceorgpaths":
                membership = self._membership(self._target.account)
                return list(membership.paths) if membership else None
            case "aws:sourceorgid":
                membership = self._membership(self["aws:sourceaccount"])
                return membership.organization if membership else None
            case "aws:sourceorgpaths":
                membership = self._membership(self["aws:sourceaccount"])
                return list(membership.paths) if membership else None
        return None

    @property
    def _direct(self) -> bool:
        """Whether the client itself calls, and no service for it."""
        return not self._call.principal.called_via and self._call.http is not None

    def _membership(self, account: Value | None) -> Membership | None:
        provider = self._call.cloud.provider("organization")
        found: Membership | None = provider.membership(account) if provider and account else None
        return found

"""The condition keys that every request has (IAM user guide, "AWS global condition context keys").

The usual ones are entries; what few policies read is made when one does.
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
    `tags` are those in the request."""

    __slots__ = ("_call", "_families", "_target")

    def __init__(
        self,
        call: Call,
        need: Need,
        target: Target,
        own: Mapping[str, Value | None],
        own_tags: Mapping[str, str],
        tags: Mapping[str, str] | None,
    ) -> None:
        super().__init__(own)
        self._call = call
        self._target = target
        self._families = (target.tags, own_tags, tags or NO_TAGS)
        self["aws:securetransport"] = "true" if call.secure else "false"
        self["aws:requestedregion"] = "us-east-1" if call.service.is_global else call.location
        self["aws:resourceaccount"] = target.account
        if call.user_agent:
            self["aws:useragent"] = call.user_agent
        if not call.principal.called_via and call.http is not None:
            self["aws:sourceip"] = call.source_ip
            referer = call.http.headers.get("referer")
            if referer:
                self["aws:referer"] = referer
        if tags:
            self["aws:tagkeys"] = list(tags)
        for key, value in need.conditions.items():
            if value is not None:
                self[key.lower()] = value

    def __missing__(self, key: str) -> Value | None:
        value = self._tag(key) if "/" in key else self._rare(key)
        self[key] = value
        return value

    def _tag(self, key: str) -> str | None:
        prefix, _, name = key.partition("/")
        try:
            place = _FAMILIES.index(prefix)
        except ValueError:
            return None
        found = (value for tag, value in self._families[place].items() if tag.lower() == name)
        return next(found, None)

    def _rare(self, key: str) -> Value | None:
        call = self._call
        principal = call.principal
        match key:
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

    def _membership(self, account: Value | None) -> Membership | None:
        provider = self._call.cloud.provider("organization")
        found: Membership | None = provider.membership(account) if provider and account else None
        return found


_FAMILIES = ("aws:resourcetag", "aws:principaltag", "aws:requesttag")

"""The step `authorise`: every policy that speaks is asked, and the answer can be explained later.

The policies of a principal are gathered once and kept until the tables they come from change (a
version, never a time), so a change of policy acts on the next call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mesocosm.call.authority import Grants, Membership, PolicyText
from mesocosm.call.denial import denial
from mesocosm.call.documents import Documents
from mesocosm.call.facts import Facts
from mesocosm.call.record import Judgement
from mesocosm.call.service import Need, Target
from mesocosm.call.texts import Levels, ResourceTexts, StackTexts
from mesocosm.iam import (
    AuthorizationRequest,
    Context,
    Decision,
    Level,
    Policy,
    PolicyStack,
    Principal,
    context_used,
    decide,
    parse,
    principal_keys,
)
from mesocosm.iam.policy import PolicyError

if TYPE_CHECKING:
    from mesocosm.call.authority import Credential
    from mesocosm.call.call import Call
    from mesocosm.call.cloud import Cloud

STACKS_MAX = 4_096
DECIDED_MAX = 1_024
NOBODY = Grants()


class Name(NamedTuple):
    """What tells principals apart: callers that hold only a token have no ARN, a service acts for
    many accounts, and a forwarded session is not the caller's own call.
    """

    arn: str
    access_key_id: str
    id: str
    account: str
    called_via: tuple[str, ...]


class Gathered(NamedTuple):
    """The policies of one principal, compiled, and the digest under which their texts are kept."""

    version: tuple[int, int]
    stack: PolicyStack
    digest: str
    keys: dict[str, str | list[str]]
    tags: Mapping[str, str]
    decided: dict[tuple[str, str, str], tuple[Decision, Judgement]]
    """By action, resource and its account: what no condition key has a part in."""


class Near(NamedTuple):
    """The policies of the one who used a key last, at a version of all rows they come from. It
    is asked before `Name` is: as long as nothing at all has changed, that need not be made."""

    version: int
    principal: Principal
    gathered: Gathered


class ResourceSide(NamedTuple):
    """The same, compiled, and the digest under which the texts are kept."""

    digest: str
    policy: Policy | None
    rcps: tuple[Level, ...]


FIXED = frozenset(
    {
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:principaltype",
        "aws:resourceaccount",
        "aws:securetransport",
    }
)
"""The keys that have always the same value in the calls of a service from within."""
LIMITS = frozenset({"boundary", "session", "scp", "rcp"})
NOTHING_ALLOWED = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*",'
    '"Resource":"*"}]}'
)


def compiled(texts: Sequence[PolicyText], kind: Any) -> tuple[Policy, ...]:
    """Policies from their texts. One that cannot be read grants nothing; where a policy limits, it
    denies everything: a limit must not go away because it is broken.
    """
    found = []
    for name, text in texts:
        try:
            found.append(parse(text, kind, name))
        except PolicyError:
            if kind in LIMITS:
                found.append(parse(NOTHING_ALLOWED, kind, name))
    return tuple(found)


def levels(texts: Levels, kind: Any) -> tuple[Level, ...]:
    """SCPs or RCPs by level."""
    return tuple(Level(name, compiled(policies, kind)) for name, policies in texts)


def stack_of(texts: StackTexts) -> PolicyStack:
    """The compiled stack of a principal."""
    return PolicyStack(
        identity=compiled(texts.identity, "identity"),
        boundary=compiled(texts.boundary, "boundary"),
        session=compiled(texts.session or (), "session"),
        scp=levels(texts.scps, "scp"),
    )


class Settled(NamedTuple):
    """A decision about a service, with what it was made from."""

    version: int
    target: Target
    decision: Decision
    judgement: Judgement


class Gate:
    """Decisions of one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._near: dict[str, Near] = {}
        self._gathered: dict[Name, Gathered] = {}
        self._sides: dict[ResourceTexts, ResourceSide] = {}
        self._settled: dict[tuple[str, Any], Settled] = {}
        self.documents = Documents(cloud.world, self._renewed)

    def forget(self) -> None:
        """The world has been replaced: nothing gathered holds any longer."""
        self._renewed()
        self.documents.forget()

    def _renewed(self) -> None:
        """Gather anew: so texts that are in use are seen to be."""
        self._near.clear()
        self._gathered.clear()
        self._sides.clear()
        self._settled.clear()

    # -- decisions ---------------------------------------------------------------------------------

    def require(
        self, call: Call, needs: Sequence[Need], tags: Mapping[str, str] | None = None
    ) -> None:
        """Every need must be allowed; raises the denial of the first that is not."""
        of_service = call.principal.kind == "service" and not tags
        for need in needs:
            if of_service:
                decision, target = self._settle(call, need)
            else:
                decision, target = self._decide(call, need, tags)
            if not decision.allowed:
                raise denial(self._cloud, call, need, target, decision)

    def _settle(self, call: Call, need: Need) -> tuple[Decision, Target]:
        """A decision about a service: it delivers a thousand times what was decided once. Kept
        while the resource is what it was and no identity has changed, unless it read a key that
        may have another value now.
        """
        given = need.given()
        target = self.target(call, need.resource)
        name: Any = (call.principal.arn, call.principal.account, need.action, *given.items())
        version = self._cloud.identity.version
        try:
            found = self._settled.get((need.resource, name))
        except TypeError:  # a condition with several values
            return self._decide(call, need, None)
        if found is not None and found.version == version and found.target == target:
            call.judgements.append(found.judgement)
            return found.decision, target
        decision, target = self._decide(call, need, None)
        judgement = call.judgements[-1]
        fixed = FIXED | {key.lower() for key in given}
        if target.open is None and judgement.context.keys() <= fixed:
            if len(self._settled) >= STACKS_MAX:
                self._settled.clear()
            self._settled[need.resource, name] = Settled(version, target, decision, judgement)
        return decision, target

    def allows(self, call: Call, need: Need) -> bool:
        """Whether a need is allowed."""
        return self._decide(call, need, None)[0].allowed

    def _decide(
        self, call: Call, need: Need, tags: Mapping[str, str] | None
    ) -> tuple[Decision, Target]:
        principal = call.principal
        gathered = self.gathered(call)
        target = self.target(call, need.resource)
        context = Facts(call, need, target, gathered.keys, gathered.tags, tags)
        stack = gathered.stack
        texts = self._resource_texts(principal, need, target, context)
        digest = ""
        question = need.action, need.resource, target.account
        if texts is None:
            known = gathered.decided.get(question)
            if known is not None:
                call.judgements.append(known[1])
                return known[0], target
        else:
            side = self._side(texts)
            digest = side.digest
            stack = stack.at(
                resource=side.policy,
                resource_kind=texts.kind,  # type: ignore[arg-type]
                rcp=side.rcps,
                grants=texts.grants,
            )
        request = AuthorizationRequest(
            need.action, need.resource, target.account, principal, context
        )
        decision = decide(request, stack)
        judgement = Judgement(
            need.action,
            need.resource,
            target.account,
            decision.result,
            decision.by,
            gathered.digest,
            digest,
            decision.policy,
            context_used(request, stack),
            decision.statement,
        )
        call.judgements.append(judgement)
        if texts is None and not context:
            # No policy has read a key, and none of the resource speaks: it follows from the
            # principal's own policies, and these are gathered anew when they change.
            if len(gathered.decided) >= DECIDED_MAX:
                gathered.decided.clear()
            gathered.decided[question] = decision, judgement
        return decision, target

    # -- what speaks for a principal -----------------------------------------------------------

    def gathered(self, call: Call) -> Gathered:
        """The policies of the caller, as they are now."""
        principal = call.principal
        version = self._cloud.identity.version
        near = self._near.get(principal.access_key_id)
        if near is not None and near.principal is principal and near.version == version:
            return near.gathered
        if len(self._near) >= STACKS_MAX:
            self._near.clear()
        found = self._gather(principal, call.credential)
        self._near[principal.access_key_id] = Near(version, principal, found)
        return found

    def _gather(self, principal: Principal, credential: Credential | None) -> Gathered:
        identity = self._cloud.provider("identity")
        organization = self._cloud.provider("organization")
        version = (
            identity.version(principal.account) if identity else 0,
            organization.version() if organization else 0,
        )
        key = Name(
            principal.arn,
            principal.access_key_id,
            principal.id,
            principal.account,
            principal.called_via,
        )
        found = self._gathered.get(key)
        if found is not None and found.version == version:
            return found
        grants: Grants = identity.grants(principal) if identity else NOBODY
        membership: Membership | None = (
            organization.membership(principal.account)
            if organization and principal.account and principal.kind != "service"
            else None
        )
        texts = StackTexts(
            grants.identity,
            (grants.boundary,) if grants.boundary else (),
            # Who takes another's place within a call leaves the session policies of the first.
            credential.session
            if credential is not None and credential.access_key_id == principal.access_key_id
            else None,
            membership.scps if membership and not membership.exempt else (),
        )
        keys = principal_keys(principal)
        if membership is not None:
            keys["aws:principalorgid"] = membership.organization
            keys["aws:principalorgpaths"] = list(membership.paths)
        tags = identity.tags(principal) if identity and principal.kind == "user" else principal.tags
        if len(self._gathered) >= STACKS_MAX:
            self._gathered.clear()
        made = Gathered(version, stack_of(texts), self._keep(texts), keys, tags, {})
        self._gathered[key] = made
        return made

    # -- what speaks for a resource ------------------------------------------------------------

    def target(self, call: Call, arn: str) -> Target:
        """What the owner of an ARN says of it; a resource that is not there belongs to the account
        it names.
        """
        found = call.targets.get(arn)
        if found is not None:
            return found
        owner = self._cloud.catalogue.owner(arn) if arn != "*" else None
        for look_up in owner.resources if owner else ():
            found = look_up(self._cloud.world, arn)
            if found is not None:
                break
        if found is None:
            parts = arn.split(":", 5)
            account = parts[4] if len(parts) == 6 and parts[4].isdigit() else ""
            found = Target(arn, account or call.account or call.principal.account)
        call.targets[arn] = found
        return found

    def _resource_texts(
        self, principal: Principal, need: Need, target: Target, context: Context
    ) -> ResourceTexts | None:
        grants: tuple[str, ...] = ()
        if target.open is not None:
            granted = target.open(principal, need.action, context)
            grants = (granted,) if granted else ()
        organization = self._cloud.provider("organization")
        membership = organization.membership(target.account) if organization else None
        rcps = membership.rcps if membership and not membership.exempt and target.limited else ()
        text = target.policy
        if text is not None and target.principals:
            identity = self._cloud.provider("identity")
            text = identity.shown(text, target.principals) if identity else text
        if target.kind == "trust" and not need.action.lower().startswith("sts:"):
            text = (
                None  # a trust policy says who may take the role on, not who may change or pass it
            )
        if text is None and not grants and not rcps:
            return None
        policy = (target.name or target.arn, text) if text is not None else None
        return ResourceTexts(policy, "" if target.kind == "resource" else target.kind, rcps, grants)

    def _side(self, texts: ResourceTexts) -> ResourceSide:
        """What speaks on the side of a resource, compiled: its texts are what it is known by."""
        found = self._sides.get(texts)
        if found is None:
            if len(self._sides) >= STACKS_MAX:
                self._sides.clear()
            found = self._sides[texts] = ResourceSide(
                self._keep(texts), _resource_policy(texts), levels(texts.rcps, "rcp")
            )
        return found

    # -- documents -----------------------------------------------------------------------------

    def _keep(self, texts: StackTexts | ResourceTexts) -> str:
        """The digest of texts; they are written down with the next record."""
        return self.documents.keep(msgspec.json.encode(texts).decode())


def _resource_policy(texts: ResourceTexts) -> Policy | None:
    if texts.policy is None:
        return None
    kind = "trust" if texts.kind == "trust" else "resource"
    found = compiled([texts.policy], kind)
    return found[0] if found else None

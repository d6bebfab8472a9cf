"""What Organizations' operations share: who may call, what is named, AWS's refusals, pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from mesocosm.api import organizations as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Need, evaluated
from mesocosm.services.organizations import organizations
from mesocosm.services.organizations.resources import rows, tree
from mesocosm.services.organizations.rules import quotas
from mesocosm.wire.errors import AwsError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
PAGE = 20

MANAGEMENT = "management"
"""Only the management account."""
POLICY = "policy"
"""Besides, members to whom the organization's delegation policy gives it."""
READ = "read"
"""Besides, delegated administrators of any service."""
MEMBER = "member"
"""Any account of the organization."""
ANYONE = "anyone"


# -- refusals --------------------------------------------------------------------------------------


def not_in_use() -> AwsError:
    """AWSOrganizationsNotInUseException."""
    return AwsError(
        "AWSOrganizationsNotInUseException", "Your account is not a member of an organization."
    )


def denied() -> AwsError:
    """AccessDeniedException of an account that may not."""
    return AwsError(
        "AccessDeniedException", "You don't have permissions to access this resource.", status=400
    )


def constraint(reason: str, message: str) -> AwsError:
    """ConstraintViolationException."""
    return AwsError("ConstraintViolationException", message, Reason=reason)


def invalid(reason: str, message: str) -> AwsError:
    """InvalidInputException."""
    return AwsError("InvalidInputException", message, Reason=reason)


def missing(what: str) -> AwsError:
    """`AccountNotFoundException` and its like."""
    words = {
        "Account": "an account",
        "Child": "an organizational unit (OU) or AWS account",
        "OrganizationalUnit": "an organizational unit (OU)",
        "Parent": "a parent",
        "Policy": "a policy",
        "Root": "a root",
        "Target": "a target",
    }
    return AwsError(f"{what}NotFoundException", f"You specified {words[what]} that doesn't exist.")


# -- who calls -------------------------------------------------------------------------------------


def world_tree(call: Call) -> tree.Tree:
    """The tree of this world."""
    return call.world.derived(tree.Tree)


def here(call: Call) -> tuple[tree.Tree, rows.Organization]:
    """The caller's organization; raises AWSOrganizationsNotInUseException outside of one."""
    of = world_tree(call)
    organization = of.of(call.account)
    if organization is None:
        raise not_in_use()
    return of, organization


def _standing(call: Call, who: str) -> str:
    """What the caller's account is to its organization: management, delegated or member; raises the
    refusal.
    """
    of, organization = here(call)
    if call.account == organization.management:
        return MANAGEMENT
    if who == MEMBER:
        return MEMBER
    if who == READ and of.delegated(call.account):
        return "delegated"
    if who in (READ, POLICY) and organization.id in of.resource_policies:
        return POLICY
    raise denied()


Naming = Callable[[Call, tree.Tree, rows.Organization, Any], str | list[str]]


def on(
    name: str,
    who: str,
    resource: Naming | None = None,
    *,
    tagging: bool = False,
    **options: Any,
) -> Callable[[F], F]:
    """Declare an operation: who may call it, and what it is about (None: nothing in particular).

    `tagging`: it makes something, and with tags needs the permission to tag besides.
    """

    def named(call: Call, request: Any) -> str | list[str]:
        if who == ANYONE:
            return "*"
        standing = _standing(call, who)
        of, organization = here(call)
        if resource is not None:
            return resource(call, of, organization, request)
        # The delegation policy must speak: it does so about the organization.
        return tree.organization_arn(organization) if standing == POLICY else "*"

    def needs(call: Call, request: Any) -> list[Need]:
        if not request.tags:
            return []
        found = named(call, request)
        arns = [found] if isinstance(found, str) else found
        conditions = evaluated(options.get("conditions") or {}, call, request)
        return [Need("organizations:TagResource", arn, conditions) for arn in arns]

    if tagging:
        options |= {"tags": tags_of, "needs": needs}
    return organizations.operation(name, resource=named, **options)


def targeted(member: str) -> Naming:
    """The resource of an operation on a root, unit or account named by a member of the request."""

    def resource(_: Call, __: tree.Tree, organization: rows.Organization, request: Any) -> str:
        return tree.target_arn(organization, getattr(request, member))

    return resource


def policied(
    _: Call, of: tree.Tree, organization: rows.Organization, request: Any
) -> str | list[str]:
    """The resource of an operation on a policy."""
    policy = of.policy(organization, request.policy_id)
    kind = policy.type if policy is not None else "service_control_policy"
    return tree.policy_arn(organization, request.policy_id, kind)


def policy_type(call: Call, request: Any) -> str | None:
    """`organizations:PolicyType` of the policy in a request."""
    return type_of(call, request.policy_id)


def type_of(call: Call, policy_id: str) -> str | None:
    """The type of one of the organization's policies."""
    of = world_tree(call)
    organization = of.of(call.account)
    policy = of.policy(organization, policy_id) if organization is not None else None
    return policy.type if policy is not None else None


def typed(member: str) -> dict[str, Callable[[Call, Any], Any]]:
    """The condition `organizations:PolicyType` from a member of the request."""
    return {"organizations:PolicyType": lambda _, request: getattr(request, member)}


# -- finding ---------------------------------------------------------------------------------------


def parent(of: tree.Tree, organization: rows.Organization, name: str) -> tree.Node:
    """A root or unit; raises ParentNotFoundException."""
    found = of.node(organization, name)
    if found is None or isinstance(found, rows.Account):
        raise missing("Parent")
    return found


def node(of: tree.Tree, organization: rows.Organization, name: str) -> tree.Node:
    """A root, unit or account; raises TargetNotFoundException."""
    found = of.node(organization, name)
    if found is None:
        raise missing("Target")
    return found


def member(of: tree.Tree, organization: rows.Organization, account: str) -> rows.Account:
    """An account; raises AccountNotFoundException."""
    found = of.member(organization, account)
    if found is None:
        raise missing("Account")
    return found


def new_id(call: Call, prefix: str, count: int) -> str:
    """An identifier of lower-case letters and digits."""
    return prefix + call.ids.alphanumeric(count).lower()


# -- tags ------------------------------------------------------------------------------------------


def tags_of(request: Any) -> dict[str, str]:
    """The tags of a request, for authorisation."""
    return {tag.key: tag.value for tag in request.tags or ()}


def checked_tags(
    given: Iterable[api.Tag] | None, held: dict[str, str] | None = None
) -> dict[str, str]:
    """Tags added to those held; raises InvalidInputException or ConstraintViolationException."""
    found = dict(held or {})
    seen: set[str] = set()
    for tag in given or ():
        if tag.key in seen:
            raise invalid("DUPLICATE_TAG_KEY", "Tag keys must be unique among the tags.")
        if tag.key.lower().startswith("aws:"):
            raise invalid(
                "INVALID_SYSTEM_TAGS_PARAMETER",
                "You specified a tag key that is a system tag. You can't add, edit, or delete "
                "system tag keys because they're reserved for AWS use.",
            )
        seen.add(tag.key)
        found[tag.key] = tag.value
    if len(found) > quotas.TAGS:
        raise constraint(
            "MAX_TAG_LIMIT_EXCEEDED",
            "You have exceeded the number of tags allowed on this resource.",
        )
    return found


# -- answers ---------------------------------------------------------------------------------------


def paged(request: Any, items: Iterable[T], key: Callable[[T], str]) -> tuple[list[T], str | None]:
    """One page of a list in order of its keys, and the token of the next."""
    return page(
        items,
        key,
        request.next_token,
        getattr(request, "max_results", None) or PAGE,
        lambda: invalid(
            "INVALID_NEXT_TOKEN",
            "Get the value for the NextToken parameter from the response to a previous call of the "
            "operation.",
        ),
    )


def tag_list(tags: dict[str, str]) -> list[api.Tag]:
    """Tags as answers carry them."""
    return [api.Tag(key=key, value=value) for key, value in tags.items()]

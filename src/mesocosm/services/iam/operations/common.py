"""What IAM's operations share: finding rows, naming resources for authorisation, pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.call.paging import page
from mesocosm.call.service import Conditions, Need
from mesocosm.services.iam import iam
from mesocosm.services.iam.resources import arns, rows
from mesocosm.services.iam.resources.targets import TABLES
from mesocosm.wire.errors import AwsError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

MAX_ITEMS = 100


# -- rows


def missing(message: str) -> AwsError:
    """NoSuchEntity."""
    return AwsError("NoSuchEntity", message)


def exists(message: str) -> AwsError:
    """EntityAlreadyExists."""
    return AwsError("EntityAlreadyExists", message)


def conflict(message: str) -> AwsError:
    """DeleteConflict."""
    return AwsError("DeleteConflict", message)


def user(call: Call, name: str | None) -> rows.User:
    """The user of that name, in any case; raises NoSuchEntity."""
    found = call.rows(rows.users).get((name or "").lower())
    if found is None:
        raise missing(f"The user with name {name} cannot be found.")
    return found


def group(call: Call, name: str | None) -> rows.Group:
    """The group of that name, in any case; raises NoSuchEntity."""
    found = call.rows(rows.groups).get((name or "").lower())
    if found is None:
        raise missing(f"The group with name {name} cannot be found.")
    return found


def role(call: Call, name: str | None) -> rows.Role:
    """The role of that name, in any case; raises NoSuchEntity."""
    found = call.rows(rows.roles).get((name or "").lower())
    if found is None:
        raise missing(f"The role with name {name} cannot be found.")
    return found


def open_role(call: Call, name: str | None) -> rows.Role:
    """A role that its account may change; raises UnmodifiableEntity for a service-linked role."""
    found = role(call, name)
    if found.service:
        raise AwsError(
            "UnmodifiableEntity",
            f"Cannot perform the operation on the protected role '{found.name}' - "
            "this role is only modifiable by AWS",
        )
    return found


def save(call: Call, row: rows.User | rows.Group | rows.Role) -> None:
    """Put a changed user, group or role back."""
    key = row.name.lower()
    if isinstance(row, rows.User):
        call.rows(rows.users)[key] = row
    elif isinstance(row, rows.Group):
        call.rows(rows.groups)[key] = row
    else:
        call.rows(rows.roles)[key] = row


def unique(call: Call, prefix: str) -> str:
    """A unique id: AIDA (user), AGPA (group), AROA (role), ANPA (policy), AIPA (instance profile),
    ..."""
    return prefix + call.ids.upper(17)


def instant(call: Call) -> float:
    """The time of the call in whole seconds, as IAM keeps times."""
    return float(int(call.now))


def own_name(call: Call, given: str | None) -> str:
    """The user an operation is about when it may be left out: the caller; empty for the root
    user."""
    if given:
        return given
    if call.principal.kind == "user":
        return call.principal.name
    if call.principal.kind == "root":
        return ""
    raise AwsError(
        "ValidationError", "Must specify userName when calling with non-User credentials"
    )


# -- authorisation


def arn_for(call: Call, kind: str, name: str | None) -> str:
    """The ARN of a row by its name; of what would be at the root path if there is none."""
    row = call.rows(TABLES[kind]).get((name or "").lower())
    return arns.arn_of(call.account, kind, row) if row is not None else call.arn(f"{kind}/{name}")


def named(kind: str, member: str) -> Callable[[Call, Any], str]:
    """The resource of an operation: a row named by a member; without a name, the calling user."""

    def resource(call: Call, request: Any) -> str:
        name = getattr(request, member)
        if name is None and kind == "user":
            return call.principal.arn if call.principal.kind == "user" else "*"
        return arn_for(call, kind, name)

    return resource


def made(kind: str, member: str) -> Callable[[Call, Any], str]:
    """The resource of a creation: the ARN it is going to have."""

    def resource(call: Call, request: Any) -> str:
        return call.arn(f"{kind}{request.path or '/'}{getattr(request, member)}")

    return resource


def below(kind: str) -> Callable[[Call, Any], str]:
    """The resource of a list: the path it is asked for, as AWS names it in a denial."""

    def resource(call: Call, request: Any) -> str:
        return call.arn(f"{kind}{request.path_prefix or '/'}")

    return resource


def given_arn(member: str) -> Callable[[Call, Any], str]:
    """The resource of an operation that names it by its ARN."""

    def resource(call: Call, request: Any) -> str:
        return getattr(request, member) or "*"

    return resource


def tagging(action: str, resource: Callable[[Call, Any], str]) -> Callable[[Call, Any], list[Need]]:
    """What a creation with tags needs besides: the permission to tag."""

    def needs(call: Call, request: Any) -> list[Need]:
        return [Need(f"iam:{action}", resource(call, request))] if request.tags else []

    return needs


def conditions(kind: str, member: str, **more: str) -> Callable[[Call, Any], Conditions]:
    """`iam:ResourceTag/*` and `iam:PermissionsBoundary` of the user or role named by a member.

    `more` maps a condition key (`PolicyARN`) to the member that holds its value.
    """

    def found(call: Call, request: Any) -> Conditions:
        name = getattr(request, member)
        if name is None and call.principal.kind == "user":
            name = call.principal.name
        row = call.rows(TABLES[kind]).get((name or "").lower())
        keys: dict[str, Any] = {}
        if isinstance(row, rows.User | rows.Role):
            keys = {f"iam:ResourceTag/{key}": value for key, value in row.tags.items()}
            keys["iam:PermissionsBoundary"] = row.boundary or None
        for key, name_of_member in more.items():
            keys[f"iam:{key}"] = getattr(request, name_of_member)
        return keys

    return found


def on(kind: str, operation: str, member: str | None = None, **options: Any) -> Callable[[F], F]:
    """Declare an operation on a user, group or role named in the request."""
    member = member or f"{kind}_name"
    options.setdefault("conditions", conditions(kind, member))
    return iam.operation(operation, resource=named(kind, member), **options)


# -- shapes


def tag_list(tags: Mapping[str, str]) -> list[api.Tag]:
    """Tags as answers carry them."""
    return [api.Tag(key=key, value=value) for key, value in tags.items()]


def boundary(arn: str) -> api.AttachedPermissionsBoundary | None:
    """A permissions boundary as answers carry it."""
    if not arn:
        return None
    return api.AttachedPermissionsBoundary(
        permissions_boundary_type="Policy", permissions_boundary_arn=arn
    )


def paged(request: Any, items: Iterable[T], key: Callable[[T], str]) -> tuple[list[T], str | None]:
    """One page of a list in order of its keys, and the marker of the next."""
    return page(
        items,
        key,
        request.marker,
        request.max_items or MAX_ITEMS,
        lambda: AwsError("ValidationError", "Invalid Marker."),
    )


def in_order(request: Any, items: Iterable[T]) -> tuple[list[T], str | None]:
    """One page of a short list in its own order (oldest first), and the marker of the next."""
    numbered = ((f"{place:06}", item) for place, item in enumerate(items))
    chosen, marker = paged(request, numbered, lambda entry: entry[0])
    return [item for _, item in chosen], marker


def under(path: str, prefix: str | None) -> bool:
    """Is a path below a prefix?"""
    return path.startswith(prefix or "/")

"""Principals in policies: an ARN of a user or role stands for the one that had it when the policy
was saved.

A policy keeps the unique id of each user or role it names. While the entity lives, the policy
shows (and decides by)
its ARN; afterwards it shows the id, so that a new entity of the same name is not mistaken for the
old one.
Source: IAM user guide, "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mesocosm.services.iam.resources import arns, rows
from mesocosm.services.iam.rules import documents

if TYPE_CHECKING:
    from mesocosm.world import World

GLOBAL = "aws-global"
SERVICE = re.compile(
    r"[a-z0-9][a-z0-9.-]*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|amazon\.internal)"
)
UNIQUE_ID = re.compile(r"(AIDA|AROA)[A-Z0-9]{12,}")


def unique_id(world: World, arn: str) -> str | None:
    """The unique id of the user or role that an ARN names now, or None."""
    name = arns.split(arn)
    if name is None or name.kind not in ("user", "role"):
        return None
    row: rows.User | rows.Role | None
    if name.kind == "user":
        row = world.rows(rows.users, name.account, GLOBAL).get(name.key)
    else:
        row = world.rows(rows.roles, name.account, GLOBAL).get(name.key)
    if row is None or (row.path, row.name) != (name.path, name.name):
        return None
    return row.id


def resolved(world: World, document: str) -> dict[str, str]:
    """The unique id of every user and role a document names; raises MalformedPolicyDocument for
    one there is not."""
    found: dict[str, str] = {}
    for kind, name in documents.principal_names(document):
        if kind == "Service" and not SERVICE.fullmatch(name):
            raise documents.malformed(f'Invalid principal in policy: "SERVICE":"{name}"')
        if kind != "AWS":
            continue
        split = arns.split(name)
        if split is not None and split.kind in ("user", "role"):
            unique = unique_id(world, name)
            if unique is None:
                raise documents.malformed(f'Invalid principal in policy: "AWS":"{name}"')
            found[name] = unique
    return found


def shown(world: World, document: str, ids: Mapping[str, str]) -> str:
    """The document as it is today: an ARN whose entity is gone is replaced by its unique id."""
    moved = {}
    for arn, unique in ids.items():
        if unique_id(world, arn) != unique:
            moved[arn] = arn_of_id(world, arns.split(arn), unique) or unique
    if not moved:
        return document
    return documents.with_principals(document, lambda name: moved.get(name, name))


def arn_of_id(world: World, name: arns.Name | None, unique: str) -> str | None:
    """The ARN an entity has now (a user may have been renamed), or None if it is gone."""
    if name is None:
        return None
    if name.kind == "user":
        cell = world.rows(rows.users, name.account, GLOBAL)
        users = cell.find(rows.users_by_id, unique)
        return arns.arn_of(name.account, "user", cell[users[0]]) if users else None
    found = world.rows(rows.roles, name.account, GLOBAL)
    keys = found.find(rows.roles_by_id, unique)
    return arns.arn_of(name.account, "role", found[keys[0]]) if keys else None

"""A policy document, compiled once: statements as tests, with what an explanation needs to name
them.

Source: IAM user guide, "IAM JSON policy elements reference".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from .conditions import Condition, compile_condition
from .context import Context, text
from .patterns import Template, glob, matcher, resource_template

Kind = Literal["identity", "resource", "trust", "boundary", "session", "scp", "rcp", "endpoint"]
Match = Callable[[str, Context], bool]
WITH_PRINCIPAL = frozenset({"resource", "trust", "rcp", "endpoint"})
"""The kinds whose statements name principals."""


class PolicyError(ValueError):
    """A document that AWS would refuse; `str()` is AWS's sentence. Services give it their error
    code."""


class Principals(NamedTuple):
    """A Principal or NotPrincipal element: account ids and account root ARNs both as account
    ids."""

    everyone: bool
    names: Mapping[str, frozenset[str]]
    """By type: AWS, Service, Federated, CanonicalUser."""


class Statement:
    """One statement. `match(resource, context)` is its Resource and Condition; None if it has
    neither."""

    __slots__ = (
        "actions", "allow", "conditions", "index", "keys", "match", "negated",
        "negated_principals", "negated_resources", "principals", "resource_test", "resources",
        "sid", "tests",
    )  # fmt: skip

    def __init__(self, body: Mapping[str, Any], index: int, kind: str, variables: bool) -> None:
        self.index = index
        self.sid = text(body.get("Sid", ""))
        self.allow = body["Effect"] == "Allow"
        self.negated = "NotAction" in body
        self.actions = texts(body.get("NotAction" if self.negated else "Action", ()))
        self.tests = [_action_test(pattern) for pattern in self.actions]
        self.negated_resources = "NotResource" in body
        name = "NotResource" if self.negated_resources else "Resource"
        # A trust policy has no Resource: the role that carries it is meant.
        self.resources = texts(body[name]) if name in body else ("*",)
        self.resource_test, keys = _resources(self.resources, self.negated_resources, variables)
        self.conditions = tuple(_conditions(body.get("Condition", {}), variables))
        self.keys = frozenset(keys).union(*(condition.keys for condition in self.conditions))
        self.negated_principals = "NotPrincipal" in body
        element = body.get("NotPrincipal" if self.negated_principals else "Principal")
        self.principals = _principals(element, kind)
        self.match = _matcher(self.resource_test, [c.test for c in self.conditions])

    @property
    def name(self) -> str:
        """Its Sid, or its place counted from 0."""
        return self.sid or str(self.index)

    def acts(self, action: str) -> bool:
        """Does the Action or NotAction element cover an action (lower case)?"""
        return any(test(action) for test in self.tests) is not self.negated


class Selected(NamedTuple):
    """The statements of a policy that cover one action."""

    denies: tuple[Statement, ...]
    allows: tuple[Statement, ...]
    keys: frozenset[str]


class Policy:
    """A compiled document. Immutable; share it freely. `kind` is one of `Kind`."""

    __slots__ = ("_selected", "kind", "name", "statements", "version")

    def __init__(self, document: Mapping[str, Any], kind: Kind, name: str) -> None:
        self.name = name
        self.kind = kind
        self.version = text(document.get("Version", "2008-10-17"))
        variables = self.version != "2008-10-17"
        bodies = document["Statement"]
        bodies = [bodies] if isinstance(bodies, Mapping) else bodies
        self.statements = tuple(
            Statement(body, index, kind, variables) for index, body in enumerate(bodies)
        )
        self._selected: dict[str, Selected] = {}

    def select(self, action: str) -> Selected:
        """The statements that cover an action (lower case); remembered for the last thousand
        actions."""
        found = self._selected.get(action)
        if found is None:
            if len(self._selected) >= 1024:
                self._selected.clear()
            hits = [statement for statement in self.statements if statement.acts(action)]
            found = self._selected[action] = Selected(
                tuple(statement for statement in hits if not statement.allow),
                tuple(statement for statement in hits if statement.allow),
                frozenset().union(*(statement.keys for statement in hits)),
            )
        return found

    def __repr__(self) -> str:
        return f"Policy({self.kind}, {self.name!r}, {len(self.statements)} statements)"


def parse(
    document: str | bytes | Mapping[str, Any],
    kind: Kind = "identity",
    name: str = "",
    *,
    check: bool = False,
    service: str = "",
) -> Policy:
    """Compile a policy. Equal texts are compiled once (the last 2,048 are kept).

    Raises PolicyError. With `check` also for everything AWS refuses when a policy is saved although
    it could be evaluated (`service="s3"` words it as S3 does); without, only for what has no
    meaning.
    """
    if isinstance(document, bytes):
        document = document.decode("utf-8", "replace")
    if isinstance(document, str):
        return _parse(document, kind, name, check, service)
    return _compile(document, kind, name, check, service)


@lru_cache(maxsize=2048)
def _parse(document: str, kind: Kind, name: str, check: bool, service: str) -> Policy:
    from .grammar import SYNTAX

    try:
        body = json.loads(document)
    except (ValueError, RecursionError):
        raise PolicyError(SYNTAX.get(service, SYNTAX[""])) from None
    return _compile(body, kind, name, check, service)


def _compile(document: object, kind: Kind, name: str, check: bool, service: str) -> Policy:
    from .grammar import check_saved, check_syntax

    body = check_syntax(document, kind, service)
    if check:
        check_saved(body, kind, service)
    return Policy(body, kind, name)


def texts(value: object) -> tuple[str, ...]:
    """A scalar or list of scalars of a policy as strings."""
    if isinstance(value, list | tuple):
        return tuple(text(item) for item in value)
    return (text(value),)


def is_star(pattern: str) -> bool:
    """Is it `*` or equal to it?"""
    return bool(pattern) and pattern.strip("*") == ""


def _action_test(pattern: str) -> Callable[[str], bool]:
    if ":" not in pattern and not is_star(pattern):
        return lambda _action: False
    return matcher(glob(pattern.lower()))


def _resources(
    patterns: Iterable[str], negated: bool, variables: bool
) -> tuple[Match | None, tuple[str, ...]]:
    """The test of a Resource or NotResource element; None when it is always true."""
    fixed: list[str] = []
    dynamic: list[Template] = []
    for pattern in patterns:
        made = resource_template(pattern) if variables else glob(pattern)
        if isinstance(made, Template):
            dynamic.append(made)
        else:
            fixed.append(made)
    if any(is_star(pattern) for pattern in fixed):
        return ((lambda _resource, _context: False), ()) if negated else (None, ())
    static = _any_resource(fixed)
    if not dynamic:
        if negated:
            return (lambda resource, _context: not static(resource)), ()
        return (lambda resource, _context: static(resource)), ()
    keys = tuple(key for made in dynamic for key in made.keys)

    def test(resource: str, context: Context) -> bool:
        hit = static(resource)
        for made in dynamic:
            pattern = made.resolve(context)
            if pattern is None:
                if negated:
                    return False  # an unknown exception: the statement matches nothing
            elif not hit and matcher(pattern, "resource")(resource):
                hit = True
        return hit is not negated

    return test, keys


def _any_resource(patterns: list[str]) -> Callable[[str], bool]:
    tests = [matcher(pattern, "resource") for pattern in patterns]
    if len(tests) == 1:
        return tests[0]
    return lambda resource: any(test(resource) for test in tests)


def _conditions(block: Mapping[str, Mapping[str, object]], variables: bool) -> list[Condition]:
    found = []
    for name, keys in block.items():
        for key, values in keys.items():
            try:
                found.append(compile_condition(name, key, texts(values), variables=variables))
            except ValueError:
                raise PolicyError(f"Invalid Condition type : {name}") from None
    return found


def _principals(element: object, kind: str) -> Principals | None:
    if kind not in WITH_PRINCIPAL:
        return None
    if element is None:
        # An endpoint policy is for everyone who uses the endpoint; elsewhere nobody is named.
        return Principals(kind == "endpoint", {})
    if isinstance(element, str):
        return Principals(element == "*", {} if element == "*" else {"AWS": _aws([element])})
    assert isinstance(element, Mapping)
    names = {kind: texts(values) for kind, values in element.items()}
    return Principals(
        "*" in names.get("AWS", ()),
        {
            kind: _aws(values) if kind == "AWS" else frozenset(values)
            for kind, values in names.items()
        },
    )


def _aws(names: Iterable[str]) -> frozenset[str]:
    """AWS principals; `arn:aws:iam::123456789012:root` is the account 123456789012."""
    return frozenset(
        name.split(":")[4] if name.endswith(":root") and name.count(":") == 5 else name
        for name in names
    )


def _matcher(resource: Match | None, tests: list[Callable[[Context], bool]]) -> Match | None:
    if not tests:
        return resource
    if len(tests) == 1:
        only = tests[0]
        if resource is None:
            return lambda _resource, context: only(context)
        return lambda name, context: resource(name, context) and only(context)

    def match(name: str, context: Context) -> bool:
        if resource is not None and not resource(name, context):
            return False
        return all(test(context) for test in tests)

    return match

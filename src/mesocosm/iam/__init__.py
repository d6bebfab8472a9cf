"""The policy language: parsing, evaluation, explanation. Pure functions over data.

`decide(AuthorizationRequest, PolicyStack) -> Decision` is the fast path of every call;
`explain` looks at every policy and says why; `simulate` does the same for a JSON case.
"""

from __future__ import annotations

from .context import Context, Value
from .decision import By, Decision, Result
from .evaluate import context_used, decide
from .policy import Policy, PolicyError, parse
from .principal import ANONYMOUS, Principal, SessionIssuer, canonical_id, principal_keys
from .stack import AuthorizationRequest, Level, PolicyStack

__all__ = [
    "ANONYMOUS",
    "AuthorizationRequest",
    "By",
    "Context",
    "Decision",
    "Level",
    "Policy",
    "PolicyError",
    "PolicyStack",
    "Principal",
    "Result",
    "SessionIssuer",
    "Value",
    "canonical_id",
    "context_used",
    "decide",
    "parse",
    "principal_keys",
]

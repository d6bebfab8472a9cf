"""The typed shapes of every service: `from mesocosm.api import sqs as api`, then
`api.SendMessageResult(...)`.

At run time a module holds the Structs of one service, made from its model when first asked for;
the `.pyi` files beside this one are written by `tools/stubs.py` and say the same to type checkers.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    from mesocosm.wire import types

    try:
        return types.module(name)
    except KeyError:
        raise AttributeError(f"no service is called {name}") from None

"""The house rules that can be read off a syntax tree; each yields sentences that say what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.tidy.source import Source, imports, nodes

LINES_MAX = 600
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

FLOORS = {
    "world": 1,
    "wire": 2,
    "api": 2,
    "iam": 3,
    "fabric": 4,
    "engines": 5,
    "call": 6,
    "services": 7,
    "cli": 8,
    "console": 8,
    "testing": 8,
}

HEAVY = ("duckdb", "pyarrow", "sqlglot", "pydantic", "botocore", "boto3")

# what is banned -> (what to use instead, where it is allowed)
TIME = ("world.clock (call.now in an operation)", ("world/",))
CHANCE = ("world.ids (call.ids in an operation)", ("world/",))
NETWORK = (
    "the HTTP front (wire/front), or a driver in fabric/ or engines/",
    ("wire/front", "wire/connection", "cli/", "fabric/", "engines/"),
)
PROCESS = ("a driver in fabric/ or engines/", ("fabric/", "engines/", "cli/"))
BANNED: dict[str, tuple[str, tuple[str, ...]]] = {
    "datetime.datetime.now": TIME,
    "datetime.datetime.utcnow": TIME,
    "datetime.datetime.today": TIME,
    "datetime.date.today": TIME,
    "asyncio.sleep": ("world.clock.sleep, or a timer", ("world/",)),
    "random": CHANCE,
    "uuid": CHANCE,
    "secrets": CHANCE,
    "os.urandom": CHANCE,
    "os.getrandom": CHANCE,
    "socket": NETWORK,
    "ssl": NETWORK,
    "socketserver": NETWORK,
    "http.client": NETWORK,
    "http.server": NETWORK,
    "urllib.request": NETWORK,
    "urllib3": NETWORK,
    "requests": NETWORK,
    "httpx": NETWORK,
    "aiohttp": NETWORK,
    "uvicorn": NETWORK,
    "asyncio.start_server": NETWORK,
    "asyncio.open_connection": NETWORK,
    "asyncio.start_unix_server": NETWORK,
    "subprocess": PROCESS,
    "multiprocessing": PROCESS,
    "asyncio.create_subprocess_exec": PROCESS,
    "asyncio.create_subprocess_shell": PROCESS,
    "os.fork": PROCESS,
    "os.forkpty": PROCESS,
    "os.system": PROCESS,
    "os.popen": PROCESS,
    "os.posix_spawn": PROCESS,
}
# time.gmtime and time.strftime only convert, so they are not here.
READINGS = ("time", "sleep", "monotonic", "perf_counter", "process_time", "clock_gettime", "ctime")
BANNED |= {f"time.{name}": TIME for name in (*READINGS, *(f"{one}_ns" for one in READINGS))}
BANNED["time.localtime"] = TIME
BANNED |= {f"os.exec{form}": PROCESS for form in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")}
BANNED |= {f"os.spawn{form}": PROCESS for form in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")}

SLEEPS = ("time.sleep", "asyncio.sleep")


def floors(source: Source) -> Iterator[str]:
    """An import only ever points down; a service imports no other service."""
    parts = source.module.split(".")
    if parts[0] != "mesocosm" or len(parts) < 2 or parts[1] not in FLOORS:
        return
    for line, name in imports(source):
        target = name.split(".")
        if target[0] != "mesocosm" or len(target) < 2 or target[1] not in FLOORS:
            continue
        if FLOORS[target[1]] > FLOORS[parts[1]]:
            yield (
                f"{source.path}:{line} imports {name}: {parts[1]}/ (floor {FLOORS[parts[1]]})"
                f" may not look up to {target[1]}/ (floor {FLOORS[target[1]]}); move what both"
                " need down"
            )
        elif _service(parts) and _service(target) and parts[2] != target[2]:
            yield (
                f"{source.path}:{line} imports {name}: a service reaches another only by"
                " call.invoke(service, operation, request)"
            )


def _service(parts: list[str]) -> bool:
    return len(parts) > 2 and parts[1] == "services"


def sizes(source: Source) -> Iterator[str]:
    """Files, functions and lines stay small enough to be read at once."""
    if source.generated:
        return
    lines = source.text.splitlines()
    if len(lines) > LINES_MAX:
        yield (
            f"{source.path} has {len(lines)} lines, more than {LINES_MAX}: split it by concept"
            " (operations.py becomes a folder by resource)"
        )
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and not re.search(r"https?://\S{40}", line):
            over = f"{len(line)} columns, more than {COLUMNS_MAX}"
            yield f"{source.path}:{number} has {over}: fold it"
    for node in nodes(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield (
                    f"{source.path}:{node.lineno} {node.name} has {length} lines, more than"
                    f" {FUNCTION_LINES_MAX}: give a part of it a name of its own"
                )


def banned(source: Source) -> Iterator[str]:
    """Time, chance, network and processes are reached through their floor only."""
    inside = source.path.removeprefix("src/mesocosm/")
    for line, name in uses(source):
        for wanted in _prefixes(name):
            if wanted not in BANNED:
                continue
            instead, allowed = BANNED[wanted]
            if not inside.startswith(allowed):
                yield f"{source.path}:{line} uses {wanted}: use {instead}"
            break


def sleeps(source: Source) -> Iterator[str]:
    """Tests never sleep; `asyncio.sleep(0)` only lets others run."""
    yields = {
        node.func.lineno
        for node in nodes(source)
        if isinstance(node, ast.Call) and ast.unparse(node) == "asyncio.sleep(0)"
    }
    for line, name in uses(source):
        if name in SLEEPS and line not in yields:
            yield f"{source.path}:{line} uses {name}: await the event itself, or advance the clock"


@cache
def uses(source: Source) -> list[tuple[int, str]]:
    """(line, dotted name) of imports and of attributes reached through an imported name."""
    known: dict[str, str] = {}
    for node in nodes(source):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    found = {(line, name) for line, name in imports(source) if not _plain(name)}
    for node in nodes(source):
        if isinstance(node, ast.Attribute):
            dotted = _dotted(node)
            head, _, rest = dotted.partition(".")
            if head in known and rest:
                found.add((node.lineno, f"{known[head]}.{rest}"))
    return sorted(found)


def _plain(name: str) -> bool:
    return name.startswith("mesocosm.")


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return node.id if isinstance(node, ast.Name) else ""


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def heavy(source: Source) -> Iterator[str]:
    """What is slow to import is imported where it is used."""
    pending: list[ast.AST] = list(source.tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            if name.split(".")[0] in HEAVY:
                yield (
                    f"{source.path}:{getattr(node, 'lineno', 0)} imports {name} at module level:"
                    " import it inside the function that needs it (start-up stays under 0.5 s)"
                )
        pending += ast.iter_child_nodes(node)


def transactions(source: Source) -> Iterator[str]:
    """A transaction is one synchronous stretch."""
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield, ast.YieldFrom)
    for node in nodes(source):
        if not isinstance(node, ast.With | ast.AsyncWith):
            continue
        if not any(_is_transaction(item.context_expr) for item in node.items):
            continue
        for statement in node.body:
            for inner in ast.walk(statement):
                if isinstance(inner, waits):
                    yield (
                        f"{source.path}:{inner.lineno} awaits or yields inside a transaction: read"
                        " first, await before it, and wait for world.committed(position) after it"
                    )


def _is_transaction(expression: ast.expr) -> bool:
    return (
        isinstance(expression, ast.Call)
        and isinstance(expression.func, ast.Attribute)
        and expression.func.attr == "transaction"
    )


LATER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b")
BLANKET = re.compile(r"#\s*(?:type:\s*ignore(?!\[)|noqa(?!:)|pragma:\s*no\s*cover)")


def comments(source: Source) -> Iterator[str]:
    """Nothing is put off in a comment, and no check is silenced without its name."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if LATER.search(line):
            yield f"{source.path}:{number} puts something off: do it, or raise NotImplemented"
        if BLANKET.search(line):
            yield f"{source.path}:{number} silences everything: name the rule: ignore[arg-type]"

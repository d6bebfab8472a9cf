"""Tables are declarations; rows are dicts of one cell that note what changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast, overload

import msgspec
from sortedcontainers import SortedList

from mesocosm.world.errors import OutsideTransaction

if TYPE_CHECKING:
    from mesocosm.world.transaction import Transaction

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")

CellName = tuple[str, str, str]
"""Table name, account, Region."""

_registry: dict[str, Table[Any, Any]] = {}
_absent: Any = object()


class Index(Generic[K, V]):
    """A derived index: `function(row)` is the value rows are found by, `None` leaves a row out."""

    def __init__(self, name: str, function: Callable[[V], object]) -> None:
        self.name = name
        self.function = function

    def __repr__(self) -> str:
        return f"Index({self.name!r})"


class Table(Generic[K, V]):
    """Declares a table: its name, its row (a frozen Struct), the type of its key.

    Rows are stored as maps, so a field added with a default, or removed, needs nothing more;
    `renamed={"old": "new"}` reads rows written under an old field name.
    """

    @overload
    def __init__(
        self: Table[str, V],
        name: str,
        row: type[V],
        *,
        ordered: bool = False,
        renamed: Mapping[str, str] | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        name: str,
        row: type[V],
        key: type[K],
        *,
        ordered: bool = False,
        renamed: Mapping[str, str] | None = None,
    ) -> None: ...
    def __init__(
        self,
        name: str,
        row: type[Any],
        key: Any = str,
        *,
        ordered: bool = False,
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        config = getattr(row, "__struct_config__", None)
        if config is None or not config.frozen or config.array_like:
            raise TypeError(f"the row of {name} must be a frozen msgspec.Struct stored as a map")
        known = _registry.get(name)
        if known is not None and _qualified(known.row) != _qualified(row):
            raise ValueError(f"table {name} is declared twice")
        self.name = name
        self.row: type[Any] = row
        self.key: Any = key
        self.ordered = ordered
        self._renamed = dict(renamed or {})
        self._row_decoder = msgspec.msgpack.Decoder(row)
        pairs: Any = list[tuple[key, row]]  # type: ignore[valid-type]
        self._pairs_decoder = msgspec.msgpack.Decoder(pairs)
        _registry[name] = self

    def __repr__(self) -> str:
        return f"Table({self.name!r})"

    def index(self, name: str, function: Callable[[V], object]) -> Index[K, V]:
        """Declare an index over the rows of a cell; built at its first use, then kept."""
        return Index(f"{self.name}.{name}", function)

    def decode_key(self, key: Any) -> K:
        """The key as the table's type, from what msgpack made of it."""
        return cast(K, key if self.key is str else msgspec.convert(key, self.key))

    def decode_row(self, data: bytes | msgspec.Raw) -> V:
        """One row, from its msgpack map."""
        if self._renamed:
            return self._converted(msgspec.msgpack.decode(data))
        return cast(V, self._row_decoder.decode(data))

    def decode_pairs(self, data: bytes) -> list[tuple[K, V]]:
        """Many rows with their keys, from a msgpack list of pairs."""
        if self._renamed:
            pairs = msgspec.msgpack.decode(data)
            return [(self.decode_key(key), self._converted(row)) for key, row in pairs]
        return cast("list[tuple[K, V]]", self._pairs_decoder.decode(data))

    def _converted(self, fields: dict[str, Any]) -> V:
        renamed = {self._renamed.get(name, name): value for name, value in fields.items()}
        return cast(V, msgspec.convert(renamed, self.row))


def _qualified(row: type) -> str:
    return f"{row.__module__}.{row.__qualname__}"


def table_named(name: str) -> Table[Any, Any] | None:
    """The declared table of that name; none while its service is not imported."""
    return _registry.get(name)


class Change(NamedTuple):
    """One row before and after: `None` where there is no row."""

    table: str
    account: str
    region: str
    key: Any
    old: Any
    new: Any


class Tally:
    """Counts the changes of all rows of one service: what was made from them holds as long as
    `count` stays the same. It never goes back, also when changes are undone."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Ledger:
    """Where rows note their changes: a list while a transaction is open, else `None`."""

    __slots__ = ("_tallies", "noted", "transaction")

    def __init__(self) -> None:
        self.noted: list[Noted] | None = None
        self.transaction: Transaction | None = None
        self._tallies: dict[str, Tally] = {}

    def tally(self, service: str) -> Tally:
        """The tally of the tables whose names begin with `service.`"""
        return self._tallies.setdefault(service, Tally())


class Rows(dict[K, V]):
    """The rows of one table in one cell: a dict, live; changed inside a transaction only.

    Reading is the dict's own. `version` grows by one at each change, and never goes back.
    """

    __slots__ = ("_indexes", "_ledger", "_order", "_row", "_tally", "cell", "table", "version")

    def __init__(self, table: Table[K, V], cell: CellName, ledger: Ledger) -> None:
        super().__init__()
        self.table = table
        self.cell = cell
        self.version = 0
        self._ledger = ledger
        self._row = table.row
        self._tally = ledger.tally(table.name.partition(".")[0])
        self._indexes: dict[Index[K, V], dict[object, dict[K, None]]] = {}
        self._order: SortedList | None = None

    def __setitem__(self, key: K, row: V) -> None:
        noted = self._ledger.noted
        if noted is None:
            raise OutsideTransaction(f"{self.cell} was changed outside a transaction")
        if row.__class__ is not self._row:
            raise TypeError(f"{self.table.name} holds {self._row.__name__}, not {type(row)}")
        old = self.get(key)
        self.put(key, old, row)
        noted.append((self, key, old, row))

    def __delitem__(self, key: K) -> None:
        noted = self._ledger.noted
        if noted is None:
            raise OutsideTransaction(f"{self.cell} was changed outside a transaction")
        old = self[key]
        self.put(key, old, None)
        noted.append((self, key, old, None))

    def put(self, key: K, old: V | None, new: V | None) -> None:
        """Change a row without noting it: for undoing and restoring, not for services."""
        if self._indexes or self._order is not None:
            self._reindex(key, old, new)
        if new is not None:
            dict.__setitem__(self, key, new)
        elif old is not None:
            dict.__delitem__(self, key)
        self.version += 1
        self._tally.count += 1

    def refill(self, rows: Mapping[K, V] | Iterable[tuple[K, V]]) -> None:
        """Hold exactly these rows, without noting it: for loading and far rewinds."""
        dict.clear(self)
        dict.update(self, rows)
        self._indexes.clear()
        self._order = None
        self.version += 1
        self._tally.count += 1

    def range(
        self, start: K | None = None, stop: K | None = None, *, reverse: bool = False
    ) -> Iterator[K]:
        """Keys in order, from `start` up to but not with `stop`; ordered tables only.

        Changing the rows while iterating is not allowed, as with any dict.
        """
        if not self.table.ordered:
            raise TypeError(f"{self.table.name} is not declared ordered")
        if self._order is None:
            self._order = SortedList(self)
        return cast("Iterator[K]", self._order.irange(start, stop, (True, False), reverse))

    def find(self, index: Index[K, V], value: object) -> list[K]:
        """The keys of the rows whose indexed value equals `value`, oldest entry first."""
        entries = self._indexes.get(index)
        if entries is None:
            entries = {}
            for key, row in self.items():
                entries.setdefault(index.function(row), {})[key] = None
            self._indexes[index] = entries
        return list(entries.get(value, ())) if value is not None else []

    def _reindex(self, key: K, old: V | None, new: V | None) -> None:
        # Every function runs before anything changes: a function that raises leaves all as it was.
        moves = [
            (
                entries,
                index.function(old) if old is not None else None,
                index.function(new) if new is not None else None,
            )
            for index, entries in self._indexes.items()
        ]
        for entries, before, after in moves:
            if old is not None and new is not None and before == after:
                continue
            if old is not None:
                keys = entries[before]
                del keys[key]
                if not keys:
                    del entries[before]
            if new is not None:
                entries.setdefault(after, {})[key] = None
        if self._order is not None and (old is None) != (new is None):
            if new is None:
                self._order.remove(key)
            else:
                self._order.add(key)

    # The dict's other ways to change it, each through the two above.

    def pop(self, key: K, default: Any = _absent) -> Any:
        if key not in self:
            if default is _absent:
                raise KeyError(key)
            return default
        row = self[key]
        del self[key]
        return row

    def popitem(self) -> tuple[K, V]:
        if not self:
            raise KeyError("no rows")
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        for key in list(self):
            del self[key]

    def update(self, *others: Any, **named: Any) -> None:
        for key, row in dict(*others, **named).items():
            self[key] = row

    def setdefault(self, key: K, default: Any = None) -> V:
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, other: Any) -> Rows[K, V]:  # type: ignore[override,misc]
        self.update(other)
        return self

    def copy(self) -> dict[K, V]:
        return dict(self)


Noted = tuple[Rows[Any, Any], Any, Any, Any]
"""Rows, key, old row or None, new row or None."""


def net(noted: list[Noted]) -> list[Noted]:
    """One change for each row: its first old and last new; rows that end as they began drop out."""
    if len(noted) == 1:
        return noted if noted[0][2] is not noted[0][3] else []
    merged: dict[tuple[int, Any], Noted] = {}
    for change in noted:
        rows, key, _, new = change
        name = (id(rows), key)  # rows live as long as their changes are noted
        first = merged.setdefault(name, change)
        if first is not change:
            merged[name] = (rows, key, first[2], new)
    return [change for change in merged.values() if change[2] is not change[3]]

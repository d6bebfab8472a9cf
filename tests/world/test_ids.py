from __future__ import annotations

import re
import uuid
from pathlib import Path

from mesocosm.world import Ids, World
from tests.world.kit import put


def draw(ids: Ids) -> list[object]:
    return [
        ids.hex(17),
        ids.upper(20),
        ids.alphanumeric(30),
        ids.digits(12),
        ids.secret(40),
        ids.uuid(),
        ids.bytes(8),
    ]


def test_shapes() -> None:
    for seed in (None, 7):
        ids = Ids(seed, "main", 0)
        for _ in range(50):
            patterns = ("[0-9a-f]{17}", "[A-Z2-7]{20}", "[A-Za-z0-9]{30}", "[0-9]{12}")
            drawn = draw(ids)
            for pattern, value in zip((*patterns, "[A-Za-z0-9+/]{40}"), drawn, strict=False):
                assert re.fullmatch(pattern, str(value))
            assert uuid.UUID(str(drawn[5])).version == 4
            assert len(drawn[6]) == 8  # type: ignore[arg-type]
    assert ids.hex(0) == ids.digits(0) == ""


def test_every_letter_is_drawn() -> None:
    ids = Ids(1, "main", 0)
    assert len(set(ids.alphanumeric(5000))) == 62
    assert len(set(ids.digits(500))) == 10
    assert len(set(ids.secret(5000))) == 64
    assert len(set(ids.upper(5000))) == 32


def test_equal_seeds_draw_equal_ids_and_no_travel_repeats_them(tmp_path: Path) -> None:
    drawn: list[list[list[object]]] = []
    for root in (tmp_path / "a", tmp_path / "b"):
        with World.open(root, seed=42) as world:
            seen = [draw(world.ids)]
            put(world, "x")
            world.snapshot("here")
            seen.append(draw(world.ids))
            put(world, "y")
            fork = world.fork("here")
            seen.append(draw(fork.ids))
            fork.close()
            world.rewind("here")
            seen.append(draw(world.ids))
            put(world, "z")
        with World.open(root, seed=42) as world:
            seen.append(draw(world.ids))
        drawn.append(seen)
    assert drawn[0] == drawn[1]
    assert len({repr(each) for each in drawn[0]}) == 5
    assert draw(Ids(None, "main", 0)) != draw(Ids(None, "main", 0))


def test_what_is_drawn_aside_changes_nothing() -> None:
    plain, mixed = Ids(1, "main", 0), Ids(1, "main", 0)
    wanted = [plain.uuid(), plain.hex(8), plain.uuid(), plain.uuid()]
    found = [mixed.uuid()]
    with mixed.aside("sqs/expire"):
        first = [mixed.uuid(), mixed.hex(8)]
        with mixed.aside("other"):
            assert mixed.uuid() not in first
        first.append(mixed.uuid())
    found += [mixed.hex(8), mixed.uuid()]
    with mixed.aside("sqs/expire"):
        assert mixed.uuid() not in first
    found.append(mixed.uuid())
    assert found == wanted
    again = Ids(1, "main", 0)
    with again.aside("sqs/expire"):
        assert [again.uuid(), again.hex(8), again.uuid()] == first

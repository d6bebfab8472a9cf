"""Listings against a naive model: any keys, prefix, delimiter, page size."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from sortedcontainers import SortedList

from mesocosm.services.s3.rules import paging

LETTERS = st.sampled_from(["a", "b", "/", "é", "\U0010ffff", "\ud7ff", " ", "\x00"])
KEY = st.text(LETTERS, min_size=1, max_size=5)


def naive(keys, prefix, delimiter, after):
    found = []
    for key in sorted(keys, key=lambda key: key.encode()):
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key if at < 0 else key[: at + len(delimiter)]
        if entry > after and entry not in found:
            found.append(entry)
    return found


@settings(max_examples=300, deadline=None)
@given(
    versions=st.dictionaries(KEY, st.lists(st.booleans(), min_size=1, max_size=40), max_size=12),
    prefix=st.text(LETTERS, max_size=2),
    delimiter=st.sampled_from(["", "/", "a", "/b"]),
    limit=st.integers(1, 4),
)
def test_pages_of_keys_are_what_a_naive_listing_gives(versions, prefix, delimiter, limit):
    """`versions`: for each key, newest first, whether the version is a delete marker."""
    table = {("other", "a", 0): True, ("zbucket", "", 0): True}
    for key, markers in versions.items():
        for order, marker in enumerate(markers):
            table["bucket", key, 0 if order == 0 else 1000 + order] = marker
    order = SortedList(table)

    def scan(start, stop):
        return order.irange(start, stop, (True, False))

    def shown(place):
        return place[2] == 0 and not table[place]

    keys = [key for key, markers in versions.items() if not markers[0]]
    found, after = [], ""
    while True:
        page = []
        for entry in paging.walk(scan, "bucket", prefix, delimiter, after, None, shown, False):
            if len(page) == limit:
                break
            page.append(entry.key)
        else:
            found += page
            break
        found += page
        after = page[-1]
    assert found == naive(keys, prefix, delimiter, "")

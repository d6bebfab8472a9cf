"""How policies along a line are merged."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mesocosm.services.organizations.rules.effective import ALLOWED, merged, well_formed

names = st.sampled_from(["a", "b", "c"])
values = st.lists(st.sampled_from(["1", "2", "3"]), unique=True, max_size=3)
words = st.sampled_from(["@@all", "@@none", "@@assign", "@@append", "@@remove"])
leaves = st.dictionaries(st.sampled_from(["@@assign", "@@append", "@@remove"]), values, min_size=1)
nothing: st.SearchStrategy[dict[str, Any]] = st.just({})
limits = nothing | st.fixed_dictionaries({ALLOWED: st.lists(words, max_size=2)})


def nodes(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects of nodes, with or without limits for policies below."""
    return st.tuples(st.dictionaries(names, children, max_size=3), limits).map(
        lambda pair: {**pair[0], **pair[1]}
    )


documents = nodes(
    st.tuples(leaves, limits).map(lambda pair: {**pair[0], **pair[1]}) | nodes(leaves)
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(names | words | st.just(ALLOWED), inner, max_size=3)
    ),
)


@given(st.lists(st.lists(documents, max_size=2), max_size=4))
def test_no_operator_is_left_in_what_is_effective(levels: list[list[Any]]) -> None:
    def operators(found: Any) -> bool:
        return isinstance(found, dict) and any(
            key.startswith("@@") or operators(value) for key, value in found.items()
        )

    assert all(well_formed(document) for level in levels for document in level)
    assert not operators(merged(levels))


@settings(max_examples=50)
@given(documents, documents)
def test_what_a_policy_closes_nothing_below_changes(upper: Any, lower: Any) -> None:
    closed = {**upper, ALLOWED: ["@@none"]}
    assert merged([[closed], [lower]]) == merged([[closed]])


@given(anything)
def test_any_document_is_well_formed_or_not(document: Any) -> None:
    if well_formed(document):
        merged([[document]])


def test_without_policies_nothing_is_effective() -> None:
    assert merged([[], []]) is None


def test_values_are_assigned_appended_and_removed() -> None:
    levels = [
        [{"a": {"@@assign": ["1", "2"]}}],
        [{"a": {"@@append": ["3", "1"]}}],
        [{"a": {"@@remove": ["2"]}}],
    ]
    assert merged(levels) == {"a": ["1", "3"]}
    assert merged([*levels, [{"a": {"@@assign": "x"}}]]) == {"a": "x"}


def test_policies_of_one_target_do_not_limit_each_other() -> None:
    closed = {"a": {"@@assign": ["1"], ALLOWED: ["@@none"]}}
    more = {"a": {"@@append": ["2"]}}
    assert merged([[closed, more]]) == {"a": ["1", "2"]}
    assert merged([[closed], [more]]) == {"a": ["1"]}

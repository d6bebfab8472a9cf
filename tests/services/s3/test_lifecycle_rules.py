"""The arithmetic of lifecycle rules, on its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mesocosm.api import s3 as api
from mesocosm.services.s3.resources.rows import Object
from mesocosm.services.s3.rules import lifecycle as rules

instants = st.floats(0, 4e9)
days = st.integers(1, 4000)


@given(start=instants, count=days)
def test_an_action_comes_at_the_first_midnight_after_its_days(start, count):
    due = rules.at_midnight(start, count)
    assert due % rules.DAY == 0
    assert 0 <= due - (start + count * rules.DAY) < rules.DAY


@given(
    modified=instants,
    later=st.floats(0, 4e8),
    days=st.lists(days, min_size=1, max_size=4),
    newer=st.integers(0, 5),
    kept=st.integers(1, 5),
)
def test_the_earliest_rule_wins_and_nothing_comes_too_early(modified, later, days, newer, kept):
    made = [
        api.LifecycleRule(
            id=str(n),
            status="Enabled",
            filter=api.LifecycleRuleFilter(),
            expiration=api.LifecycleExpiration(days=n),
            noncurrent_version_expiration=api.NoncurrentVersionExpiration(
                noncurrent_days=n, newer_noncurrent_versions=kept
            ),
        )
        for n in sorted(set(days))
    ]
    found = rules.enabled(api.BucketLifecycleConfiguration(rules=made))
    row = Object(modified=modified, owner="o", size=1)
    expiry = rules.expiration(found, "k", row)
    assert expiry == (rules.at_midnight(modified, min(days)), str(min(days)))
    now = modified + later
    gone = rules.noncurrent_expired(found, "k", row, modified, newer, now)
    assert gone == (newer >= kept and now >= expiry[0])


@given(size=st.integers(0, 10**6), days=st.integers(30, 60), passed=st.integers(0, 90))
def test_objects_only_ever_get_colder(size, days, passed):
    rule = api.LifecycleRule(
        id="r",
        status="Enabled",
        filter=api.LifecycleRuleFilter(),
        transitions=[api.Transition(days=days, storage_class="STANDARD_IA")],
    )
    found = rules.enabled(api.BucketLifecycleConfiguration(rules=[rule]))
    now = passed * rules.DAY
    for kept in rules.ORDER:
        row = Object(modified=0.0, owner="o", size=size, storage_class=kept)
        to = rules.transition(found, "k", row, now, None, False)
        moves = kept == "STANDARD" and size >= rules.SMALL and passed >= days
        assert to == ("STANDARD_IA" if moves else None)

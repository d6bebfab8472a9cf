"""Filter patterns, against AWS's own examples and against an independent, naive matcher."""

from __future__ import annotations

import fnmatch
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesocosm.services.logs.rules.pattern import parse
from mesocosm.wire.errors import AwsError

# -- the examples of the user guide ------------------------------------------------------------

BAD, UNAUTHORIZED = "[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST"
MISSING, INVALID = "[ERROR 419] MISSING ARGUMENTS", "[ERROR 420] INVALID ARGUMENTS"
INTERNAL = "[ERROR 500] INTERNAL SERVER ERROR"
TRAIL = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "cluster.name": "c",
    }
)
PEOPLE = json.dumps(
    {
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [
            {"id": 2, "email": "John.Doe@example.com"},
            {"id": 3, "email": "Jane.Doe@example.com"},
        ],
        "actions": ["GET", "PUT", "DELETE"],
        "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    }
)
NUMBERS = json.dumps(
    {"bandwidth": 80, "latency": 30, "errorCode": 400, "number": [1000, 0.001], "flag": True}
)
ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
FAILED = "ERROR 09/25/2014 12:00:02 Failed to process request"
INFO = "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200"


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("ERROR", [BAD, UNAUTHORIZED, MISSING], ["fine", "error"]),
        ("ERROR ARGUMENTS", [MISSING, INVALID], [BAD, UNAUTHORIZED]),
        ("?ERROR ?ARGUMENTS", [BAD, "ARGUMENTS"], ["fine"]),
        ("?ERROR ?ARGUMENTS REQUEST", ["[INFO] REQUEST FAILED", BAD], [MISSING]),
        ('"INTERNAL SERVER ERROR"', [INTERNAL], [BAD]),
        ("ERROR -ARGUMENTS", [BAD, UNAUTHORIZED], [MISSING, INVALID]),
        ('" "', [BAD, "x"], []),
        ("", [BAD, ""], []),
        ("%AUTHORIZED%", [UNAUTHORIZED, "[SUCCESS 200] AUTHORIZED REQUEST"], [BAD]),
        ("%^[hc]at%", ["hat", "cat"], ["a cat"]),
        ("%10\\.10\\.0\\.1%", ["10.10.0.1"], ["10010,051"]),
        ("%\\x28%", ["("], [")"]),
        ('{ $.eventType = "UpdateTrail" }', [TRAIL], [PEOPLE, "UpdateTrail"]),
        ("{ $.sourceIPAddress != 123.123.* }", [TRAIL], [PEOPLE]),
        ('{ $.arrayKey[0] = "value" }', [TRAIL], [PEOPLE]),
        ("{ $.eventType = %Trail% }", [TRAIL], [PEOPLE]),
        ("{ $.arrayKey[*] = %val.{2}% }", [TRAIL], [PEOPLE]),
        ("{ $.* = %111\\.111\\.111\\.1[0-9]{1,2}% }", [TRAIL], [PEOPLE]),
        ("{ $.['cluster.name'] = \"c\" }", [TRAIL], [PEOPLE]),
        ("{ $.SomeObject IS NULL }", [TRAIL], [PEOPLE]),
        ("{ $.SomeOtherObject NOT EXISTS }", [TRAIL], []),
        ("{ $.SomeObject NOT EXISTS }", [PEOPLE], [TRAIL]),
        ("{ $.flag IS TRUE }", [NUMBERS], [TRAIL]),
        ("{ $.bandwidth > 75 && $.latency < 50 }", [NUMBERS], [TRAIL]),
        ("{ $.errorCode = 400}", [NUMBERS], [TRAIL]),
        ("{ $.errorCode = 4* }", [NUMBERS], [TRAIL]),
        ("{ $.number[0] = 1e+3 }", [NUMBERS], [TRAIL]),
        ("{ $.number[1] != 1e-3 }", [], [NUMBERS]),
        ("{ $.objectList = 1 || $.arrayKey != 1 }", [], [TRAIL]),
        (
            '{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }',
            [PEOPLE],
            [TRAIL],
        ),
        (
            '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch" '
            '&& $.actions[2] = "nonmatch" }',
            [PEOPLE],
            [],
        ),
        (
            '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch") '
            '&& $.actions[2] = "nonmatch" }',
            [],
            [PEOPLE],
        ),
        (
            "[ip=%127\\.0\\.0\\.[1-9]%, user, username, timestamp, request =*.html*, "
            "status_code = 4*, bytes]",
            [ACCESS],
            [INFO],
        ),
        ("[..., request =*.html*, status_code = 4*, bytes]", [ACCESS], [INFO]),
        ("[..., status_code = 404 || status_code = 410, bytes]", [ACCESS], [INFO]),
        ("[w1=ERROR, w2]", [FAILED], [INFO]),
        ("[w1=ERROR || w1=WARNING, w2]", [FAILED], [INFO]),
        ("[w1!=ERROR && w1!=WARNING, w2]", [INFO], [FAILED]),
        (
            "[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, response_time]",
            [INFO],
            ["INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310"],
        ),
    ],
)
def test_the_examples_of_the_user_guide(
    pattern: str, matching: list[str], others: list[str]
) -> None:
    parsed = parse(pattern)
    assert [message for message in matching if not parsed.matches(message)] == []
    assert [message for message in others if parsed.matches(message)] == []
    for message in matching:
        assert parsed.where is None or parsed.where(f"..{message}..".encode())


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a = ",
        "{ a = 1 }",
        "{ $.a IS NOT NULL }",
        "{ $.a EXISTS }",
        "{ $.a > x }",
        "{ $.*.b.* = 1 }",
        "{ $.a[*] = 1 && $.b[*] = 1 && $.c[*] = 1 && $.d[*] = 1 }",
        "%something!%",
        "%a(b)%",
        "%a{2%%",
        "%é%",
        "%a% %b% %c%",
        "[a, ..., b, ...]",
        "[a",
        "[a=1 || b=2]",
        '"open',
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(AwsError) as refused:
        parse(pattern)
    assert refused.value.code == "InvalidParameterException"


def test_a_term_with_other_characters_must_be_quoted() -> None:
    with pytest.raises(AwsError, match=r"Invalid character\(s\) in term 'a-b'"):
        parse("ERROR a-b")
    assert parse('ERROR "a-b"').matches("ERROR a-b")


def test_extracted_values() -> None:
    found = parse("[ip, ..., status_code = 4*, bytes]").found(ACCESS)
    assert found == {
        "$ip": "127.0.0.1",
        "$2": "Prod",
        "$3": "frank",
        "$4": "10/Oct/2000:13:25:15 -0700",
        "$5": "GET /index.html HTTP/1.0",
        "$status_code": "404",
        "$bytes": "1534",
    }
    assert parse("{ $.latency < 50 }").found(NUMBERS) == {"$.latency": "30"}


# -- terms -------------------------------------------------------------------------------------

WORDS = st.sampled_from(["ab", "b", "abc", "ERROR", "x_1", "é"])
TERMS = st.lists(st.tuples(st.sampled_from(["", "?", "-"]), WORDS, st.booleans()), max_size=5)
MESSAGES = st.lists(WORDS | st.sampled_from([" ", ".", "abERROR"]), max_size=6).map("".join)


@given(terms=TERMS, messages=st.lists(MESSAGES, max_size=6))
def test_terms(terms: list[tuple[str, str, bool]], messages: list[str]) -> None:
    text = " ".join(f'{sign}"{word}"' if quoted else sign + word for sign, word, quoted in terms)
    parsed = parse(text)
    for message in messages:
        plain = all(word in message for sign, word, _ in terms if not sign)
        without = all(word not in message for sign, word, _ in terms if sign == "-")
        optional = [word in message for sign, word, _ in terms if sign == "?"]
        only_optional = all(sign == "?" for sign, _, _ in terms)
        expected = plain and without and (not optional or not only_optional or any(optional))
        assert parsed.matches(message) is expected
    raw = "|".join(messages).encode()
    if parsed.where is not None and any(map(parsed.matches, messages)):
        assert parsed.where(raw)


# -- JSON --------------------------------------------------------------------------------------

SCALARS = st.sampled_from(["a", "ab", "b1", "10", 1, 10, 2.5, -3, True, False, None])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("pqr"), inner),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from("pqr"), VALUES, max_size=3)
PATHS = st.lists(st.sampled_from(["p", "q", "r", 0, 1, "*"]), min_size=1, max_size=3).filter(
    lambda path: path.count("*") <= 1 and not isinstance(path[0], int)
)
TESTS = st.sampled_from(
    [
        ("=", "a"), ("=", "a*"), ("=", "*b*"), ("!=", "a"), ("!=", "1*"), ("=", "10"), ("!=", "10"),
        (">", "1"), (">=", "2.5"), ("<", "10"), ("<=", "-3"), ("=", "1e1"), ("is", "NULL"),
        ("is", "TRUE"), ("is", "FALSE"), ("absent", ""), ("=~", "^a"), ("!~", "b$"),
    ]
)  # fmt: skip
LEAF = st.tuples(PATHS, TESTS)
TREES = st.recursive(
    LEAF, lambda inner: st.tuples(st.sampled_from(["&&", "||"]), inner, inner), max_leaves=4
).filter(lambda tree: written(tree).count("*]") + written(tree).count(".*") <= 3)


def written(tree: Any) -> str:
    if isinstance(tree[0], str):
        return f"({written(tree[1])}) {tree[0]} ({written(tree[2])})"
    path, (sign, wanted) = tree
    selector = "$" + "".join(
        f"[{step}]" if isinstance(step, int) or (step == "*" and at % 2) else f".{step}"
        for at, step in enumerate(path)
    )
    if sign == "is":
        return f"{selector} IS {wanted}"
    if sign == "absent":
        return f"{selector} NOT EXISTS"
    if sign in ("=~", "!~"):
        return f"{selector} {'=' if sign == '=~' else '!='} %{wanted}%"
    return f"{selector} {sign} {wanted}"


def naive(tree: Any, value: Any) -> bool:
    if isinstance(tree[0], str):
        both = naive(tree[1], value), naive(tree[2], value)
        return all(both) if tree[0] == "&&" else any(both)
    path, (sign, wanted) = tree
    found = [value]
    for step in path:
        inner: list[Any] = []
        for one in found:
            if step == "*":
                inner += one.values() if isinstance(one, dict) else one if type(one) is list else []
            elif isinstance(step, int):
                inner += one[step : step + 1] if isinstance(one, list) else []
            elif isinstance(one, dict) and step in one:
                inner.append(one[step])
        found = inner
    if sign == "absent":
        return not found
    if sign == "is":
        constant = {"NULL": None, "TRUE": True, "FALSE": False}[wanted]
        return any(one is constant for one in found)
    return any(compared(one, sign, wanted) for one in found)


def compared(one: Any, sign: str, wanted: str) -> bool:
    if one is None or isinstance(one, list | dict):
        return False
    text = json.dumps(one) if not isinstance(one, str) else one
    numeric = not isinstance(one, bool) and re.fullmatch(r"-?\d+(\.\d+)?", text)
    if sign in ("<", "<=", ">", ">="):
        return bool(numeric) and eval(f"{text} {sign} {wanted}")
    if sign in ("=~", "!~"):
        return (re.search(wanted, text) is not None) is (sign == "=~")
    if isinstance(one, int | float) and not isinstance(one, bool) and "*" not in wanted:
        equal = re.fullmatch(r"[-\d.e]+", wanted) is not None and float(wanted) == one
    else:
        equal = fnmatch.fnmatchcase(text, wanted)
    return equal is (sign == "=")


@given(tree=TREES, documents=st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_json(tree: Any, documents: list[dict[str, Any]]) -> None:
    parsed = parse("{ " + written(tree) + " }")
    messages = [json.dumps(one) for one in documents]
    found = [parsed.matches(message) for message in messages]
    assert found == [naive(tree, one) for one in documents]
    if parsed.where is not None and any(found):
        assert parsed.where("|".join(messages).encode())


# -- space-delimited -----------------------------------------------------------------------------

FIELDS = st.lists(
    st.sampled_from(["a", "b=4*", "c>10", "d!=x", "...", "", "e=x || e=y"]), min_size=1, max_size=4
).filter(lambda fields: fields.count("...") <= 1 and any(fields))
TOKENS = st.lists(st.sampled_from(["x", "y", "404", "11", "[a b]", '"c d"', "4"]), max_size=5)


@given(fields=FIELDS, tokens=TOKENS)
def test_fields(fields: list[str], tokens: list[str]) -> None:
    parsed = parse(f"[{', '.join(fields)}]")
    plain = [token.strip('[]"') for token in tokens]
    named = [field for field in fields if field != "..."]
    expected = len(tokens) >= len(named) and (bool(named) or "..." in fields)
    if expected:
        if "..." in fields:
            at = fields.index("...")
            rest = len(named) - at
            values = plain[:at] + (plain[-rest:] if rest else [])
        else:
            values = plain[: len(named)]
            if len(tokens) > len(named):
                values[-1] = " ".join(tokens[len(named) - 1 :])
        tests = {
            "b=4*": lambda text: text.startswith("4"),
            "c>10": lambda text: text.isdigit() and int(text) > 10,
            "d!=x": lambda text: text != "x",
            "e=x || e=y": lambda text: text in ("x", "y"),
        }
        expected = all(
            tests.get(field, lambda text: True)(text)
            for field, text in zip(named, values, strict=True)
        )
    assert parsed.matches(" ".join(tokens)) is expected

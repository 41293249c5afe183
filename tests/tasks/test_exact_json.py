"""JSON is read exactly, or refused with what is wrong."""

from __future__ import annotations

import json
from fractions import Fraction

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.exact_json import MOST_LEVELS, NotExact, Numeral, canonical, exact, rewritten, rounded, unrounded

VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**63), 2**64 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_what_fits_is_read_as_orjson_reads_it(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert json.dumps(exact(text.encode())) == json.dumps(orjson.loads(text))


@given(NUMBERS)
def test_a_number_is_its_value_or_stays_as_it_is_written(text):
    found = exact(b"[" + text.encode() + b"]")[0]
    if isinstance(found, Numeral):
        assert canonical([found]) == b"[" + text.encode() + b"]"
    else:
        mantissa, _, exponent = text.lower().partition("e")
        assert Fraction(repr(found)) == Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


@pytest.mark.parametrize(
    "text",
    [
        "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890", "-0", "1e-400", "1e400", "-1E999999999", "1" + "0" * 20,
        "0.1234567890123456789", "12345678901234567.5", "9" * 5000, "1" * 4400 + ".5", "1e-99999999999999999999",
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
@pytest.mark.parametrize("around", ['{"é":"\\u003a \\"","a":%s}', "[ %s\t, 1e-05 ]"])
def test_a_number_that_does_not_fit_keeps_its_text(text, around):
    value = exact((around % text).encode())
    found = value["a"] if isinstance(value, dict) else value[0]
    assert found == Numeral(text)
    assert canonical([found]) == b"[" + text.encode() + b"]"


@pytest.mark.parametrize(
    "text", ["1.50", "1E5", "-0.0", "1e-05", "100e-2", "0e5", "18446744073709551615", "-9223372036854775808"]
)
def test_a_number_that_fits_is_a_number_however_it_is_written(text):
    assert exact(text.encode()) == json.loads(text)
    assert not isinstance(exact(text.encode()), Numeral)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": 1, "a": 1}', "the name 'a' occurs twice in one object"),
        (b'{"a": 1, "\\u0061": ":"}', "the name 'a' occurs twice"),
        (b'{"x": [{"b ": 1, "b": 2, "b ": ""}], "y": "\\u003a"}', "the name 'b ' occurs twice"),
        (b'{"": 1e999, "": 1}', "the name '' occurs twice"),
        (b'{"a": NaN}', "not JSON, which has no NaN"),
        (b"[-Infinity]", "not JSON, which has no -Infinity"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'{"\\udfff": 1e999}', "half of a surrogate pair"),
        (b'"\xed\xa0\x80"', "not UTF-8 at byte 2"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 8"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON: .* at character 1"),
        (b'{"a": 01}', "not JSON: .* at character 8"),
        (b'"a\tb"', "not JSON: Invalid control character at"),
        (b"", "not JSON: Expecting value at character 1"),
        (b'{"a": 1} x', "not JSON: Extra data at character 10"),
        (b'{"a": 1', "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8 at byte 1"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value),
)  # fmt: skip
def test_what_has_no_one_meaning_is_refused(text, said):
    with pytest.raises(NotExact, match=said):
        exact(text)


@pytest.mark.parametrize(
    "inside", [b"1", b"1e999", b"1e-05"], ids=["plain", "beyond doubles", "another spelling"]
)
@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
def test_levels_are_accepted_up_to_the_limit(opens, closes, inside):
    def nested(levels):
        return opens * levels + inside + closes * levels

    assert canonical(exact(nested(MOST_LEVELS)))
    for levels in (MOST_LEVELS + 1, 300, 900, 1023, 1100, 100_000):
        with pytest.raises(NotExact, match=f"nested deeper than {MOST_LEVELS} levels"):
            exact(nested(levels))


def test_the_order_of_names_does_not_matter_and_a_digit_does():
    one, other = (
        exact(b'{"a": 1e400, "b": {"d": -0, "c": 2}}'),
        exact(b'{"b": {"c": 2, "d": -0}, "a": 1e400}'),
    )
    assert canonical(one) == canonical(other)
    assert canonical(one) != canonical(exact(b'{"a": 1e401, "b": {"d": -0, "c": 2}}'))


@pytest.mark.parametrize("text", ["1" * 30, "0.1234567890123456789", "1e-400", "-0", "1e-05"])
def test_rounded_numbers_are_those_of_doubles(text):
    assert rounded(f'{{"é": {text}}}'.encode()) == {"é": float(text)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": 1e400}', "beyond double precision"),
        (b'{"a": 1, "\\u0061": ":"}', "the name 'a' occurs twice"),
        (b'{"a": 0.12345678901234567890, "a": 1}', "the name 'a' occurs twice"),
        (b'{"a": 1e400, "a": 1}', "the name 'a' occurs twice"),
        (b"[NaN]", "NaN"),
        (b"[" * 300 + b"]" * 300, "nested deeper than 250 levels"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'"\xff"', "not UTF-8"),
    ],
    ids=repr,
)
def test_rounded_values_are_refused_as_exact_ones(text, said):
    with pytest.raises(NotExact, match=said):
        rounded(text)


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ('{"a":0.12345678901234567890123,"b":1e400}', '{"a":0.12345678901234567890123,"b":1e400}'),
        ('{"a": [1, 2.5, -0, 18446744073709551616]}', '{"a":[1,2.5,-0,18446744073709551616]}'),
        ('{"a":"\\ud800"}', '{"a": "\\ud800"}'),
        ('{"a":"\\ud800","b":18446744073709551616}', '{"a": "\\ud800", "b": 18446744073709551616}'),
    ],
    ids=["decimals", "integers", "half of a surrogate pair", "that with an integer"],
)
def test_what_a_service_sent_is_written_again_with_every_number(text, again):
    assert rewritten(unrounded(text.encode())) == again.encode()


def test_half_of_a_surrogate_pair_beside_a_long_decimal_is_refused():
    with pytest.raises(NotExact, match="beside a decimal"):
        rewritten(unrounded(b'{"a": "\\ud800", "b": 0.12345678901234567890123}'))

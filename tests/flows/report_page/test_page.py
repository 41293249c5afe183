"""The report as a page: whole, escaped, and asking for nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.report import Report
from flows.report_page.page import MOST_ROWS, page

VOID = {"meta", "br"}


class Whole(HTMLParser):
    """Sees that every element is closed, and collects names and attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(text):
    whole = Whole()
    whole.feed(text)
    whole.close()
    assert whole.open == []
    return whole


def report(seconds=4.0, outcome="done", facts=None, **steps):
    made = Report(flow="vertex build", name="films", target="sandbox", seconds=seconds, outcome=outcome)
    for title, seen in steps.items():
        with made.step(title) as step:
            step.saw(seen)
    made.facts = facts or {}
    return page(made, made.model_dump(mode="json")["facts"])


HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>"


def test_nothing_of_a_flow_becomes_markup():
    whole = read(
        report(outcome=HOSTILE, facts={HOSTILE: HOSTILE, "rows": [{HOSTILE: HOSTILE}]}, look=HOSTILE)
    )
    assert {tag for tag, _ in whole.elements}.isdisjoint({"script", "img", "a", "link", "iframe"})
    assert not [name for _, attributes in whole.elements for name in attributes if name.startswith("on")]
    assert sum(HOSTILE in text for text in whole.texts) == 6


def test_the_page_asks_for_nothing():
    text = report(facts={"index": "https://example.com/x"}, look="seen")
    assert "default-src 'none'" in text
    assert not re.search(r"\b(src|href)=|url\(|@import", text)


def test_a_step_lies_where_it_was_in_time():
    made = Report(flow="f", name="n", target="t", seconds=10)
    with made.step("first"), made.step("inner"):
        pass
    made.steps[0].began, made.steps[0].seconds = 5, 2.5
    assert "left: 50.00%; width: 25.00%" in page(made, {})


def test_a_long_table_is_cut_and_says_so():
    whole = read(
        report(facts={"found": [{"id": str(number), "score": 0.5} for number in range(MOST_ROWS + 5)]})
    )
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 5}; the JSON file has all." in whole.texts
    assert sum(tag == "tr" for tag, _ in whole.elements) == MOST_ROWS + 1


def test_records_with_names_and_the_same_fields_are_rows():
    measures = {
        "right": {"value": 0.5, "by_question": {"q1": 1}},
        "obeyed": {"value": 0, "by_question": {"q1": 0}},
    }
    whole = read(report(facts={"measures": measures}))
    assert sum(tag == "tr" for tag, _ in whole.elements) == 3
    assert [text for text in whole.texts if text in ("value", "right", "0.5", "obeyed", "q1")] == ["value", "right", "0.5", "obeyed"]  # fmt: skip
    other = read(report(facts={"measures": {"right": {"value": 0.5}, "obeyed": {"count": 0}}}))
    assert sum(tag == "tr" for tag, _ in other.elements) == 4, "each with fields of its own"


def test_records_that_hold_records_are_opened_one_by_one():
    whole = read(report(facts={"settings": [{"setting": "first", "right": {"value": 0.5}}, {"setting": "how=text"}]}))  # fmt: skip
    assert [tag for tag, _ in whole.elements].count("details") == 2
    assert {"first", "how=text"} <= set(whole.texts)


@pytest.mark.parametrize(
    ("outcome", "mood"), [("done", "good"), ("failed: no room", "bad"), ("interrupted", "still")]
)
def test_how_it_ended_has_its_own_look(outcome, mood):
    assert f'class="outcome {mood}"' in report(outcome=outcome)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(facts=st.dictionaries(st.text(max_size=5), JSON, max_size=4), seconds=st.floats(0, 1e6))
def test_whatever_the_facts_are_there_is_a_whole_page(facts, seconds):
    made = Report(flow="f", name="n", target="t", seconds=seconds, facts=facts)
    read(page(made, facts))

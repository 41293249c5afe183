"""What the page says of forms that hold no question, asked of the application itself."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from flows.answers.page.application import application
from tasks.answers.prompts import MOST_QUESTION_CHARACTERS

HOST, KEY = "127.0.0.1:4280", "reader:key"


class NobodyAnswers:
    """A desk that must not be asked."""

    name = "handbook"


@pytest.fixture
def post():
    """Sends a form as the page's owner: `post("/answers", question="...")`."""

    async def sent(path, fields):
        transport = httpx.ASGITransport(application(NobodyAnswers(), host=HOST, key=KEY))
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://{HOST}", auth=("reader", "key")
        ) as client:
            return await client.post(path, data=fields)

    return lambda path, **fields: asyncio.run(sent(path, fields))


@pytest.mark.parametrize(
    ("question", "status", "said"),
    [
        (" ", 400, "Write a question first."),
        ("x" * (MOST_QUESTION_CHARACTERS + 1), 400, "at most 2,000 characters; this one has 2,001"),
        ("\U0001f600" * 9_000, 413, "This is too long: a question has at most 2,000 characters."),
    ],
    ids=("blank", "long", "huge"),
)
def test_a_form_without_a_question_is_told_what_a_question_is(post, question, status, said):
    answer = post("/answers", question=question)
    assert answer.status_code == status
    assert said in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_judgement_is_yes_or_no(post):
    answer = post("/answers/some/verdict", useful="perhaps")
    assert answer.status_code == 400
    assert "A judgement is yes or no." in answer.text

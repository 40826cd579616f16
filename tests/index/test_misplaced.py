"""A reply that says of documents that they are elsewhere, or nowhere, is held against the index."""

import pytest

from splare_os.index.replies import MOVED
from splare_os.index.sender import Sender
from tests.index.scripted import Index, Script, actions, item, updates

pytestmark = pytest.mark.usefixtures("four_tries")


class Piped(Index):
    def settings_now(self) -> dict[str, str]:
        return {"index.default_pipeline": "mine"}


def of_another(_: list[str]) -> object:
    return {"items": [item("y"), item("z")]}


def elsewhere(ids: list[str]) -> object:
    return {"items": [item(name, _index="other") for name in ids]}


def dropped(ids: list[str]) -> object:
    return {"items": [item(name, 200, result="noop") for name in ids]}


ODD = pytest.mark.parametrize("odd", [of_another, elsewhere, dropped])


@ODD
def test_where_there_is_no_pipeline_documents_are_sent_again(odd):
    script = Script(odd)
    assert Sender(script, Index()).send(actions("a", "b")) == [None, None]
    assert script.sent == ["ab", "ab"]


@ODD
@pytest.mark.parametrize("index", [Index(a=3, b=4), Piped(a=3, b=4)])
def test_documents_that_were_stored_all_the_same_are_written_over(odd, index):
    script = Script(odd)
    assert Sender(script, index).send(actions("a", "b")) == [None, None]
    assert script.over == [[None, None], [3, 4]]


@ODD
def test_a_pipeline_is_believed(odd):
    found = Sender(Script(odd), Piped()).send(actions("a", "b"))
    assert [fate and fate.advice for fate in found] == ["dead", "dead"]


def test_an_update_of_a_document_that_has_moved_is_not_sent_again():
    script = Script(elsewhere)
    assert Sender(script, Index(a=8)).send(updates("a")) == [MOVED]
    assert script.sent == ["a"]


def test_where_nothing_else_is_ever_said_they_are_dead_with_what_was_said():
    found = Sender(Script(*[elsewhere] * 99), Index()).send(actions("a"))
    assert [fate and fate.reason for fate in found] == [
        "diverted by an ingest pipeline to the index 'other'"
    ]

"""Updates are made for one version of a document, and are never written over another."""

import pytest
from opensearchpy import ConnectionTimeout

from splare_os.index import set_testing
from splare_os.index.sender import MOVED, Sender
from tests.index.scripted import Index, Script, statuses, stored, updates

pytestmark = pytest.mark.usefixtures("four_tries")


def send(script: Script, index: Index, names: str = "ab") -> list[object]:
    return Sender(script, index).send(updates(*names))


def test_an_update_whose_document_moved_is_not_sent_again():
    script = Script(statuses(b=409))
    good, moved = send(script, Index(a=7, b=9))
    assert good is None
    assert (moved.advice, moved.status) == ("moved", 409)
    assert script.sent == ["ab"]


def test_one_that_is_refused_for_no_known_reason_is_sent_again_over_the_same_version():
    script = Script(statuses(b=400))
    assert send(script, Index(a=7, b=7)) == [None, None]
    assert (script.sent, script.over) == (["ab", "b"], [[7, 7], [7]])


def test_one_whose_reply_was_lost_has_moved_by_itself():
    lost = ConnectionTimeout("TIMEOUT", "read", OSError())
    script = Script(lost, statuses(a=409, b=409))
    assert [one.advice for one in send(script, Index(a=8, b=8))] == ["moved", "moved"]


def test_one_whose_replies_are_all_lost_is_never_taken_for_stored():
    def lose_b(ids: list[str]) -> object:
        if "b" in ids:
            raise ConnectionTimeout("TIMEOUT", "read", OSError())
        return stored(ids)

    with set_testing(most_tries=8):
        found = send(Script(*[lose_b] * 99), Index(a=7, b=8))
    assert found == [None, MOVED]


def test_many_that_moved_do_not_end_the_run():
    names = "abcdefghijklmnopqrst"
    script = Script(statuses(**dict.fromkeys(names, 409)))
    index = Index(**dict.fromkeys(names, 9))
    assert {one.advice for one in send(script, index, names)} == {"moved"}

from typing import Any

import pytest

from splare_os.search import Examples, Feedback, Reference
from splare_os.search.clause.clause import Clause, parse
from splare_os.steering import Steering


def clause(**arguments: Any) -> Clause:
    return parse({"splare": {"text": arguments}}, scores=True)


def test_one_example_is_as_good_as_a_list() -> None:
    assert clause(query="oil", like="war") == clause(query="oil", like=["war"])
    assert clause(like={"_id": "7"}).examples == Examples(like=(Reference("7"),))


def test_a_clause_names_texts_and_documents() -> None:
    like = ["war", {"_id": "7"}, {"_id": "8", "_index": "papers", "routing": "a"}]
    found = clause(query="oil", like=like, unlike={"_id": "9"}, feedback={"beta": 2})
    assert found.examples == Examples(
        like=("war", Reference("7"), Reference("8", "papers", "a")),
        unlike=(Reference("9"),),
        feedback=Feedback(beta=2),
    )
    assert hash(found)


def test_with_examples_a_clause_needs_no_query() -> None:
    assert clause(like="war").query == ""
    with pytest.raises(ValueError, match="its query must be a string"):
        clause(unlike="war")


def test_examples_that_say_nothing_are_none() -> None:
    assert not clause(query="oil", like=[], unlike=[]).examples
    assert not clause(query="oil").examples


def test_a_clause_is_steered_by_an_object_or_a_name() -> None:
    assert clause(query="oil", steer="news").steer == "news"
    assert clause(query="oil", steer={"mute": [3]}).steer == Steering(mute=(3,))
    assert clause(query="oil").steer is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"like": 7}, "like has 7: give a text, or a document"),
        ({"like": [" "]}, "like has ' ': give a text"),
        ({"like": "half \ud83d"}, "like has 'half .*': give a text"),
        ({"like": {"_id": 7}}, "like has {'_id': 7}: .* all of them strings"),
        ({"like": {"_id": ""}}, "like has {'_id': ''}"),
        ({"like": {"_id": "7", "fields": ["a"]}}, "like has {'_id': '7', 'fields': "),
        ({"like": {"_index": "a"}}, "like has {'_index': 'a'}"),
        ({"query": "oil", "unlike": [None]}, "unlike has None"),
        ({"like": "a", "include": 1}, "include=1: give true or false"),
        ({"like": "a", "feedback": {"delta": 1}}, "feedback={'delta': 1}: give an object with"),
        ({"like": "a", "feedback": 2}, "feedback=2: give an object"),
        ({"like": "a", "feedback": {"beta": -1}}, "beta=-1: give a number of at least 0"),
        ({"like": "a", "feedback": {"method": "contrast"}}, "tells two sets apart: give like and"),
        ({"query": "oil", "steer": {}}, r"\{\}: write an object with some of boost"),
        ({"query": "oil", "steer": 3}, "3: write an object with some of boost"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clause(**arguments)

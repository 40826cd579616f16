from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from splare_os.documents.document import Document
from splare_os.documents.fields import Fields
from splare_os.errors import TrainingError
from splare_os.train.distill.pairs import read_pairs
from splare_os.train.pseudo_queries import (
    PseudoOptions,
    crop,
    first_sentence,
    pseudo_pairs,
    save_pairs,
)

Write = Callable[..., str]
WORDS = "leaf cutter ants carry pieces of leaves to their nests where fungi grow on them"


def documents(n: int) -> list[dict[str, str]]:
    return [
        {
            "title": f"Ants {number}",
            "text": f"Ant {number} cuts leaves. It carries number {number} home, and on the "
            f"leaves of nest {number} it grows the fungi that all {number} of them eat.",
        }
        for number in range(n)
    ]


def test_a_first_sentence_asks_for_what_follows_it() -> None:
    assert first_sentence("It costs 3.5 million! Why? Who knows.") == (
        "It costs 3.5 million!",
        "Why? Who knows.",
    )
    assert first_sentence("no end at all") == ("no end at all", "")


def test_a_crop_is_words_in_a_row_that_stay_or_go() -> None:
    for keep in (0.0, 1.0):
        options = PseudoOptions(least_crop=3, most_crop=5, keep_crop=keep)
        query, document = crop(WORDS, options, Random(1))
        assert query in WORDS
        assert 3 <= len(query.split()) <= 5
        whole = WORDS.split()
        kept = [word for word in whole if word in document.split()]
        assert len(document.split()) == (len(whole) if keep else len(whole) - len(query.split()))
        assert document.split() == (whole if keep else kept)


def test_each_text_gives_one_pair_of_every_kind_in_turn(write: Write) -> None:
    found = pseudo_pairs([write(documents(300))], Fields(), PseudoOptions())
    kinds = {"title": 0, "sentence": 0, "crop": 0}
    for query, document in found:
        if query.startswith("Ants "):
            kinds["title"] += 1
            assert f"Ant {query.removeprefix('Ants ')} cuts leaves." in document
        elif query.endswith("cuts leaves.") and query.startswith("Ant "):
            kinds["sentence"] += 1
            assert query not in document
        else:
            kinds["crop"] += 1
    assert sum(kinds.values()) == len(found) <= 300
    assert all(70 < number < 130 for number in kinds.values()), kinds
    assert len({query for query, _ in found}) == len(found)


def test_a_file_gives_at_most_so_many_and_the_same_ones_again(write: Write) -> None:
    files = [write(documents(50), "one.jsonl"), write(documents(9), "two.jsonl.gz")]
    options = PseudoOptions(pairs=5)
    found = pseudo_pairs(files, Fields(), options)
    assert len(found) <= 10
    assert found == pseudo_pairs(files, Fields(), options)
    assert found != pseudo_pairs(files, Fields(), PseudoOptions(pairs=5, seed=1))


def test_a_title_that_several_texts_have_is_no_query(write: Write) -> None:
    same = [{"title": title, "text": WORDS + f" {n}"} for n, title in enumerate(["Ant", "ANT"])]
    options = PseudoOptions(least_crop=15, most_crop=15)  # too long a query for these texts
    with pytest.raises(TrainingError, match="no pseudo-query in 1 files"):
        pseudo_pairs([write(same)], Fields(), options)
    other = [*same, {"title": "Nests", "text": WORDS}]
    found = pseudo_pairs([write(other, "other.jsonl")], Fields(), options)
    assert found == [("Nests", WORDS)]


def test_bad_lines_are_told_of_and_short_texts_passed_over(write: Write) -> None:
    lines = [b"{", {"title": "short", "text": "three words only"}, *documents(3)]
    told: list[Document] = []
    found = pseudo_pairs([write(lines)], Fields(), PseudoOptions(), reject=told.append)
    assert ([document.line for document in told], len(found)) == ([1], 3)


def test_what_is_written_is_what_distillation_reads(tmp_path: Path) -> None:
    pairs = [("Über Ants", WORDS), ("nests", WORDS + " today")]
    save_pairs(pairs, tmp_path / "pairs.jsonl")
    read = read_pairs(str(tmp_path / "pairs.jsonl"))
    assert [(read.queries[r.query], read.documents[r.positive]) for r in read.rows] == pairs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairs": 0}, "pairs=0: give a number above 0"),
        ({"least_crop": 9, "most_crop": 8}, "least_crop=9: give at most most_crop=8"),
        ({"keep_crop": 1.5}, "keep_crop=1.5: give a share, at most 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PseudoOptions(**options)  # type: ignore[arg-type]

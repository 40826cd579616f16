"""Rows known by place become tokenized columns, in the order that the loss reads them."""

from functools import partial
from typing import Any

from splare_os.train.distill.collator import RowCollator
from splare_os.train.distill.pairs import Row, TrainingSet
from splare_os.train.distill.schedule import columns
from tests.train.distilling import pairs_of


def characters(texts: list[str], **_: object) -> dict[str, Any]:
    return {"input_ids": [[ord(character) for character in text] for text in texts]}


def test_a_batch_has_the_texts_of_its_places() -> None:
    data = TrainingSet.of([pairs_of(Row(3, 4, (5,)), Row(1, 2, (7,)))])
    collator = RowCollator(characters, texts=partial(columns, data, n_negatives=1, prompts={}))
    batch = collator([{"label": 1}, {"label": 0}])
    assert batch.pop("label").tolist() == [1, 0]
    assert list(batch) == ["query_input_ids", "positive_input_ids", "negative_0_input_ids"]
    assert batch["query_input_ids"] == characters(["q1", "q3"])["input_ids"]
    assert batch["negative_0_input_ids"] == characters(["d7", "d5"])["input_ids"]

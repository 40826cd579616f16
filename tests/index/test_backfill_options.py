from dataclasses import replace
from pathlib import Path

import pytest

from splare_os.index.actions import Target
from splare_os.index.backfill_options import BackfillOptions
from splare_os.layout import DocumentCut

TARGET = Target("shop", "text_splare", "f" * 16, DocumentCut(400))


class Client:
    def info(self):
        return {"cluster_uuid": "u"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": "shop-*"}, "name one index or alias"),
        ({"index": "shop", "top_k": 0}, "top_k=0"),
        ({"index": "shop", "mass": 0}, "mass=0"),
        ({"index": "shop", "page_documents": 0}, "page_documents=0"),
        ({"index": "shop", "poll_s": 0}, "poll_s=0"),
        ({"index": "shop", "max_rate": 0}, "max_rate=0"),
        ({"index": "shop", "share": 0}, "share=0"),
        ({"index": "shop", "scoring": "bm25"}, "scoring"),
    ],
)
def test_what_cannot_be_done_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        BackfillOptions(**options)


def test_the_same_command_is_the_same_job_and_another_query_is_another(tmp_path: Path):
    def files(**options: object) -> tuple[Path, Path]:
        return BackfillOptions("shop", **{"state_folder": tmp_path, **options}).files(
            Client(), TARGET
        )

    one = {"term": {"a": 1}}
    assert files() == files(watch=True, max_rate=7, is_restarted=True)
    assert len({files(), files(where=one), files(where={"term": {"a": 2}})}) == 3
    path, letters = files()
    assert path.name.startswith("shop-backfill-")
    assert (path.parent, letters.parent) == (tmp_path, tmp_path)
    named = files(state_folder=str(tmp_path), dead_letters=str(tmp_path / "x.jsonl"))
    assert named == (path, tmp_path / "x.jsonl")


def test_an_index_may_have_a_name_as_long_as_one_of_a_file(tmp_path: Path):
    target = replace(TARGET, index="ü" * 127)
    path, letters = BackfillOptions("shop", state_folder=tmp_path).files(Client(), target)
    path.with_name(f"{path.name}.new").touch()
    letters.touch()


def test_a_query_may_hold_what_json_may(tmp_path: Path):
    for value in (2**64, "\ud800"):
        options = BackfillOptions("shop", state_folder=tmp_path, where={"term": {"a": value}})
        assert options.files(Client(), TARGET)[0].name.startswith("shop-backfill-")


def test_dead_letters_are_a_file(tmp_path: Path):
    with pytest.raises(ValueError, match="not a regular file"):
        BackfillOptions("shop", dead_letters=tmp_path).files(Client(), TARGET)

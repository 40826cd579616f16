import pytest

from splare_os.documents.fields import Fields
from splare_os.documents.sources import find_sources, read_documents
from splare_os.errors import JobError

from .reading import FIELDS, read, read_and_resumed

pytestmark = pytest.mark.sources

KINDS = ("new_stream", "new_file")


@pytest.fixture
def save(tmp_path):
    def save_batches(columns, kind: str = "new_stream", rows: int = 1000, **options) -> str:
        import pyarrow
        from pyarrow import ipc

        table = pyarrow.table(columns)
        path = str(tmp_path / "a.arrow")
        with getattr(ipc, kind)(path, table.schema, **options) as writer:
            writer.write_table(table, max_chunksize=rows)
        return path

    return save_batches


def many(n: int) -> dict[str, list[object]]:
    return {
        "_id": [None if k % 5 == 4 else k for k in range(n)],
        "text": [f"t{k}" for k in range(n)],
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 7, 100])
def test_reading_goes_on_in_any_batch(save, kind, rows):
    found = read_and_resumed(save(many(30), kind, rows))
    assert [document.line for document in found] == list(range(1, 31))
    assert [document.line for document in found if document.reason] == list(range(5, 31, 5))
    assert found[0].text == "t0"


@pytest.mark.parametrize("kind", KINDS)
def test_reading_goes_on_within_a_large_batch(save, kind):
    path = save({"_id": list(range(700)), "text": ["x"] * 700}, kind)
    for after in (0, 1, 255, 256, 257, 511, 512, 699, 700):
        assert [document.line for document in read(path, after)] == list(range(after + 1, 701))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_compressed_inside_is_read(save, kind):
    from pyarrow import ipc

    path = save(many(9), kind, options=ipc.IpcWriteOptions(compression="zstd"))
    assert len(read_and_resumed(path)) == 9


def test_a_data_set_that_was_saved_to_disk_is_a_source(tmp_path):
    from datasets import Dataset, DatasetDict

    train = Dataset.from_dict({"name": ["a", "b", "c"], "body": ["x", None, "z"], "n": [1, 2, 3]})
    both = DatasetDict(
        train=train, test=Dataset.from_dict({"name": ["d"], "body": ["w"], "n": [4]})
    )
    both.save_to_disk(str(tmp_path / "saved"), num_shards={"train": 2, "test": 1})
    fields = Fields(id="name", text="body", title=None)
    sources = find_sources([str(tmp_path / "saved")])
    found = [document for source in sources for document in read_documents(source, fields)]
    assert {document.id: document.text for document in found} == {
        "a": "x", "b": "", "c": "z", "d": "w",
    }  # fmt: skip
    (one,) = find_sources([str(tmp_path / "saved" / "test")])
    assert [document.body for document in read_documents(one, fields)] == [
        {"name": "d", "body": "w", "n": 4}
    ]


@pytest.mark.parametrize("content", [b"", b"ARROW1", b'{"_id": "1"}\n' * 9])
def test_a_file_that_is_none_ends_the_reading(tmp_path, content):
    (tmp_path / "a.arrow").write_bytes(content)
    with pytest.raises(JobError, match="a.arrow: not read as Arrow: "):
        read(tmp_path / "a.arrow")


def test_a_stream_that_breaks_off_ends_in_a_dead_row(save, tmp_path):
    path = tmp_path / "a.arrow"
    save({"_id": list(range(30)), "text": ["some words"] * 30}, rows=10)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 5 // 6])
    found = read_and_resumed(str(path))
    assert [document.line for document in found] == list(range(1, 22))
    assert found[-1].reason.startswith("cannot be decoded after row 20: ")
    assert found[-1].reason.endswith("the rest is lost, write the file anew")


def test_columns_without_a_text_are_told(save):
    with pytest.raises(JobError, match="no column 'text'"):
        list(read_documents(save({"_id": [1], "body": ["x"]}), FIELDS))

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from splare_os.errors import JobError

from .reading import read, read_and_resumed

pytestmark = pytest.mark.sources


@pytest.fixture
def save(tmp_path):
    def save_table(columns, name: str = "a.parquet", **options) -> str:
        import pyarrow
        from pyarrow import parquet

        table = columns if isinstance(columns, pyarrow.Table) else pyarrow.table(columns)
        parquet.write_table(table, tmp_path / name, **options)
        return str(tmp_path / name)

    return save_table


def many(n: int) -> dict[str, list[object]]:
    texts = [None if k % 7 == 3 else f"text {k}" for k in range(n)]
    return {"_id": [None if k % 5 == 4 else k for k in range(n)], "text": texts}


def test_rows_are_documents_numbered_from_one(save):
    first, second = read_and_resumed(
        save({"_id": ["7", "8"], "title": ["T", ""], "text": ["x", None]})
    )
    assert (first.id, first.line, first.text, first.body) == (
        "7",
        1,
        "T x",
        {"title": "T", "text": "x"},
    )
    assert (second.id, second.line, second.text) == ("8", 2, "")
    assert first.raw == b'{"_id":"7","title":"T","text":"x"}'


@pytest.mark.parametrize("rows_of_a_group", [1, 3, 20, 100])
def test_reading_goes_on_in_any_group(save, rows_of_a_group):
    found = read_and_resumed(save(many(50), row_group_size=rows_of_a_group))
    assert [document.line for document in found] == list(range(1, 51))
    assert [document.line for document in found if document.reason] == list(range(5, 51, 5))


def test_reading_goes_on_within_a_group_of_several_batches(save):
    path = save({"_id": list(range(700)), "text": ["x"] * 700})
    for after in (0, 1, 255, 256, 257, 511, 512, 600, 699, 700):
        assert [document.line for document in read(path, after)] == list(range(after + 1, 701))


def test_values_are_those_of_json(save):
    body = {
        "text": "x",
        "n": 2**62,
        "share": 0.25,
        "is_new": True,
        "tags": ["a", None],
        "author": {"name": "Ada", "works": [{"year": 1843}]},
        "at": datetime(2020, 1, 2, 3, 4, 5, 678000),
        "day": date(2020, 1, 2),
        "price": Decimal("12.50"),
        "none": None,
    }
    (document,) = read(save({"_id": ["1"]} | {name: [value] for name, value in body.items()}))
    assert document.body == body | {
        "at": "2020-01-02T03:04:05.678000",
        "day": "2020-01-02",
        "price": "12.50",
    }


def test_times_keep_their_zone(save):
    import pyarrow

    at = pyarrow.array([datetime(2020, 1, 2)], pyarrow.timestamp("ms", "Europe/Berlin"))
    (document,) = read(save({"_id": ["1"], "text": ["x"], "at": at}))
    assert document.body["at"] == "2020-01-02T01:00:00+01:00"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), "is nan"),
        (float("-inf"), "is -inf"),
        (b"\xff", "is of type bytes"),
        (timedelta(1), "is of type timedelta"),
    ],
)
def test_what_json_has_not_makes_a_row_dead_and_no_other(save, value, told):
    path = save({"_id": [1, 2, 3], "text": ["x"] * 3, "bad": [None, {"a": [value]}, None]})
    found = read_and_resumed(path)
    assert [document.reason for document in found] == [
        "", f"field 'bad.a' {told}, which JSON has not: convert the column, or drop it", "",
    ]  # fmt: skip
    assert b'"_id": 2' in found[1].raw


def test_what_python_cannot_hold_makes_a_row_dead_and_no_other(save):
    import pyarrow

    days = pyarrow.array([0, 2**30, 1], pyarrow.int32()).cast(pyarrow.date32())
    first, second, third = read_and_resumed(
        save({"_id": [1, 2, 3], "text": ["x"] * 3, "day": days})
    )
    assert (first.body["day"], third.body["day"]) == ("1970-01-01", "1970-01-02")
    assert second.reason.startswith("a value that Python cannot hold: ")


def test_without_rows_there_are_no_documents(save):
    assert read(save({"_id": ["1"], "text": ["x"]}, "b.parquet")) != []
    assert read(save(many(0))) == []


def test_a_file_that_is_none_ends_the_reading(tmp_path):
    for content in (b"", b"PAR1", b'{"_id": "1"}\n' * 9):
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(JobError, match="a.parquet: not read as Parquet: "):
            read(tmp_path / "a.parquet")


def test_columns_have_names_of_their_own(save):
    import pyarrow

    columns = [pyarrow.array(["x"])] * 3
    table = pyarrow.Table.from_arrays(columns, names=["_id", "text", "text"])
    with pytest.raises(JobError, match="two columns are called 'text'"):
        read(save(table))


def test_a_group_that_cannot_be_decoded_is_dead_and_the_next_one_is_read(save, tmp_path):
    rows = {"_id": list(range(30)), "text": [f"{n * 7919} ants" * 20 for n in range(30)]}
    path = save(rows, row_group_size=10, use_dictionary=False, write_page_checksum=True)
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    from pyarrow.parquet import ParquetFile

    column = ParquetFile(path).metadata.row_group(1).column(1)
    end = column.data_page_offset + column.total_compressed_size
    data[end - 20 : end] = bytes(20)
    (tmp_path / "a.parquet").write_bytes(bytes(data))
    found = read_and_resumed(path)
    assert [document.line for document in found] == [*range(1, 12), *range(21, 31)]
    (dead,) = (document for document in found if document.reason)
    assert dead.line == 11
    assert dead.reason.startswith("row group 1 cannot be decoded after row 10: ")
    assert dead.reason.endswith("its rest is lost, write it anew")

import pytest

from splare_os.documents.columns import check_columns
from splare_os.documents.fields import Fields
from splare_os.errors import JobError


def test_columns_that_can_be_told_apart_are_taken():
    check_columns("a.csv", ["_id", "text", "Text"], Fields())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["", "text"], "a.csv: column 1 has no name; give it one, or take it out"),
        (["text", "n", "n"], "a.csv: two columns are called 'n'; rename one"),
        (
            ["_id", "body"],
            "a.csv: no column 'text'; name the text field (--text-field), one of '_id', 'body'",
        ),
        (
            ["_id;text;price"],
            "a.csv: no column 'text'; its header is a single column, '_id;text;price': part cells "
            "by commas, or by tabs in .tsv, not by ';'",
        ),
    ],
)
def test_others_are_told_before_a_document_is_read(columns, message):
    with pytest.raises(JobError) as caught:
        check_columns("a.csv", columns, Fields())
    assert str(caught.value) == message

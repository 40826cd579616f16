import pytest

from splare_os.documents.fields import Fields


@pytest.mark.parametrize("name", ["", "a.b", "_source", "te*t"])
def test_a_text_field_has_to_be_a_top_level_field(name):
    with pytest.raises(ValueError, match="top-level field"):
        Fields(text=name)


def test_the_title_is_another_field_than_the_text():
    with pytest.raises(ValueError, match="is the text field too"):
        Fields(text="a", title="a")


def test_the_id_has_a_key():
    with pytest.raises(ValueError, match="such as '_id'"):
        Fields(id="")

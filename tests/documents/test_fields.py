import pytest

from splare_os.documents.fields import Fields


@pytest.mark.parametrize("name", ["", "a..b", ".a", "_source", "te*t"])
def test_a_text_field_has_to_be_the_path_of_a_field(name):
    with pytest.raises(ValueError, match="give the name of a field, or its path"):
        Fields(text=name)


def test_a_template_names_the_fields_and_the_text_comes_last():
    fields = Fields(text="about.text", template="{brand}: {about.text} ({name}, {brand})")
    assert fields.text_fields == ("brand", "name", "about.text")
    assert fields.impacts_name == "about_text_splare"


def test_a_template_without_the_text_is_refused():
    with pytest.raises(ValueError, match=r"the text, \{text\}, is missing"):
        Fields(template="{title}")


@pytest.mark.parametrize("name", ["impacts", "a.b_splare", "_a_splare", "a*_splare", ""])
def test_an_impacts_field_is_told_by_its_name(name):
    with pytest.raises(ValueError, match="ends in '_splare', such as 'body_splare'"):
        Fields(text="body", impacts=name)


def test_impacts_go_where_they_are_sent_or_beside_all_fields():
    assert Fields(text="body", impacts="body_2_splare").impacts_name == "body_2_splare"
    assert Fields(text="body").impacts_name == "body_splare"


def test_the_title_is_another_field_than_the_text():
    with pytest.raises(ValueError, match="is the text field too"):
        Fields(text="a", title="a")


def test_the_id_has_a_key():
    with pytest.raises(ValueError, match="such as '_id'"):
        Fields(id="")


def test_a_title_that_nobody_named_may_lack():
    assert Fields("body").expected == Fields("body", None).expected == ("body",)
    assert Fields("body", "name").expected == ("name", "body")
    assert Fields(template="{title} {text}").expected == ("title", "text")

import pytest

from splare_os.documents.fields import Fields
from splare_os.documents.template import document_text, filled, template_names


def test_title_and_text_are_joined_by_a_space_and_stripped():
    assert document_text(" Ants", "carry leaves \n") == "Ants carry leaves"


@pytest.mark.parametrize(("title", "text"), [("", "x"), (None, "x"), ("x", None), ("x", "")])
def test_a_missing_part_leaves_no_space(title, text):
    assert document_text(title, text) == "x"


def test_the_title_comes_before_the_text():
    assert Fields(text="body", title="headline").text_fields == ("headline", "body")


def test_without_a_title_the_text_stands_alone():
    assert Fields(title=None).text_fields == ("text",)


@pytest.mark.parametrize("template", ["{}", "{0!r}", "{text:>3}", "{text", "text}"])
def test_what_is_no_template_is_told(template):
    with pytest.raises(ValueError, match="template '"):
        template_names(template)


def test_braces_are_doubled_in_a_template():
    assert template_names("{{x}} {text}") == ("text",)
    assert filled("{{x}} {text}", {"text": "y"}) == "{x} y"

import pytest

from splare_os.documents.document import encoded_text
from splare_os.documents.fields import Fields
from splare_os.documents.places import places

CASES = [
    (Fields(), {"title": "Ants", "text": "carry leaves"}),
    (Fields(), {"title": " \n Ants ", "text": " carry leaves \t"}),
    (Fields(), {"title": None, "text": "alone"}),
    (Fields(), {"title": "alone"}),
    (Fields(), {"text": ["an", "array", 7, "of texts"], "title": "  "}),
    (Fields(title=None), {"text": "alone", "title": "not read"}),
    (Fields("a.b", None), {"a": [{"b": "x"}, {"b": ["y", "z"]}], "a.b": "w"}),
    (Fields("text", template="{name}: {text}, {name} {{x}}"), {"name": "Ants", "text": "carry"}),
    (Fields("text", template="{name}{text}"), {"name": " ", "text": " carry "}),
]


@pytest.mark.parametrize(("fields", "body"), CASES)
def test_each_value_stands_where_its_place_says(fields: Fields, body: dict[str, object]) -> None:
    text = encoded_text(body, fields)
    found = places(body, fields)
    for place in found:
        written = text[max(place.start, 0) : max(place.start + len(place.value), 0)]
        start, end = place.inside(0, len(text))
        assert written == place.value[start:end]
        assert written.strip() == place.value.strip()
    covered = sorted((one.start, one.start + len(one.value)) for one in found)
    assert covered
    assert all(end <= start for (_, end), (start, _) in zip(covered, covered[1:], strict=False))


def test_values_of_an_array_are_numbered_and_strings_alone_count() -> None:
    found = places({"text": ["an", 7, "array"]}, Fields(title=None))
    assert [(one.field, one.number, one.value, one.start) for one in found] == [
        ("text", 0, "an", 0),
        ("text", 1, "array", 3),
    ]


def test_a_field_that_a_template_names_twice_has_two_places() -> None:
    found = places({"name": "Ants", "text": "go"}, Fields(template="{name}: {text}, {name}"))
    assert [(one.field, one.number, one.start) for one in found] == [
        ("name", 0, 0),
        ("text", 0, 6),
        ("name", 0, 10),
    ]


def test_a_span_over_the_edge_of_a_value_is_cut_there() -> None:
    title, text = places({"title": "Ants", "text": "carry"}, Fields())
    assert (title.inside(2, 7), text.inside(2, 7)) == ((2, 4), (0, 2))
    assert title.inside(5, 9) == (4, 4)

import pytest

from splare_os.errors import MappingError
from splare_os.layout.mapped import check_names, copied_from, field_paths

MAPPINGS = {
    "properties": {
        "title": {"type": "text", "copy_to": ["all", "other"]},
        "paper": {"properties": {"abstract": {"type": "text", "copy_to": "all"}}},
        "body": {"type": "alias", "path": "paper.abstract"},
        "all": {"type": "text"},
    }
}


def test_fields_inside_objects_have_paths():
    assert list(field_paths(MAPPINGS)) == ["title", "paper", "paper.abstract", "body", "all"]


def test_a_name_that_no_document_has_is_told_with_the_one_that_they_have():
    check_names("papers", MAPPINGS, ("title", "paper.abstract"))
    with pytest.raises(MappingError, match="'body' is an alias, .* is 'paper.abstract': name that"):
        check_names("papers", MAPPINGS, ("title", "body"))


def test_what_is_copied_is_known_from_where():
    assert copied_from(MAPPINGS, "all") == ["title", "paper.abstract"]
    assert copied_from(MAPPINGS, "title") == []

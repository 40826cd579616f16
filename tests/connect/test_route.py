import pytest

from splare_os.connect.route import require_plain
from splare_os.errors import ConnectError
from splare_os.layout.records import FieldRecord

MADE = ("hash", "0123456789abcdef", 512, 400)


def test_a_title_and_a_text_at_the_top_can_be_read_by_the_pipeline() -> None:
    require_plain(FieldRecord(*MADE, ("title", "text")))


@pytest.mark.parametrize(
    ("fields", "template"), [(("paper.text",), None), (("name", "text"), "{name}: {text}")]
)
def test_other_texts_are_refused(fields: tuple[str, ...], template: str | None) -> None:
    with pytest.raises(ConnectError, match="Index by `splare-os index`"):
        require_plain(FieldRecord(*MADE, fields, None, template))

import io

from rich.console import Console

from splare_os.cli.contrast_table import contrast_table
from splare_os.layout.labels import Example
from splare_os.search import Contrast
from splare_os.search.contrast.contrast import Distinction
from splare_os.search.contrast.sides import Side


def shown(*latents: Distinction) -> str:
    side = Side(40, 40, 0, 0, 0)
    screen = Console(file=io.StringIO(), width=120)
    screen.print(contrast_table(Contrast(side, side, 100, 2, list(latents))))
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_a_row_has_shares_and_an_example_of_the_side_that_shows_the_latent() -> None:
    a, b = (Example("d1", "an oil embargo"),), (Example("d2", "a river"),)
    text = shown(
        Distinction(7, "oil", 40, 10, 0.75, 121.3, 1e-9, 1e-7, a, b),
        Distinction(8, None, 0, 20, -0.5, 0.0123, 1e-5, 4e-4, (), b),
    )
    first, second = text.splitlines()[1:]
    assert " ".join(first.split()) == "7 oil 100% 25% +0.75 121 1e-07 d1: an oil embargo"
    assert " ".join(second.split()) == "8 0% 50% -0.50 0.0123 0.0004 d2: a river"


def test_a_document_does_not_steer_the_terminal() -> None:
    examples = (Example("d\x1b1", "\x1b[2Joil [bold]x"),)
    text = shown(Distinction(7, "o\x07il", 1, 0, 0.1, 1.0, 1.0, 1.0, examples, ()))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[2Joil [bold]x" in text

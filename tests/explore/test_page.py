import re

from splare_os.explore.page import page_files

FILES = page_files()


def test_everything_that_the_page_names_is_there() -> None:
    html, _ = FILES["/"]
    named = re.findall(rb'(?:href|src)="(/[^"#]*)"', html)
    assert len(named) == 3
    assert all(name.decode() in FILES for name in named)
    for path, (content, _) in FILES.items():
        if path.endswith(".js"):
            imported = re.findall(rb'from "\./([^"]+)"', content)
            assert all(f"/{name.decode()}" in FILES for name in imported), path


def test_nothing_comes_from_elsewhere_or_becomes_markup() -> None:
    forbidden = rb"https?://(?!www\.w3\.org/2000/svg)|innerHTML|outerHTML|insertAdjacent|eval\("
    for path, (content, _) in FILES.items():
        assert not re.search(forbidden + rb"|document\.write|\bonclick=|style=", content), path


def test_what_stands_unseen_is_told_to_readers_of_the_screen() -> None:
    html, _ = FILES["/"]
    assert b'lang="en"' in html
    assert html.count(b'role="status"') == 2
    ids = re.findall(rb'<input id="([^"]+)"', html) + re.findall(rb'<input id="([^"]+)" ', html)
    labelled = set(re.findall(rb'<label[^>]* for="([^"]+)"', html))
    assert set(ids) <= labelled

import os

import pytest

from splare_os.documents.patterns import matches


@pytest.fixture
def here(tmp_path, monkeypatch):
    for name in ("a.x", ".b.x", "f/c.x", "f/g/d.x", "f/.h/e.x", "f[1]/i.x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.x", ["a.x"]),
        (".*.x", [".b.x"]),
        ("**/*.x", ["a.x", "f/c.x", "f/g/d.x", "f[1]/i.x"]),
        ("f/**", ["f/c.x", "f/g", "f/g/d.x"]),
        ("f/**/**/d.?", ["f/g/d.x"]),
        ("*/c.x", ["f/c.x"]),
        ("f[[]1]/*", ["f[1]/i.x"]),
        ("[!a]/[!d].x", ["f/c.x"]),
        ("a.x/*", []),
        ("none/**", []),
        ("a.x", ["a.x"]),
    ],
)
def test_names_are_matched_as_a_shell_does(here, pattern, found):
    assert matches(pattern) == found
    assert matches(f"{here}/{pattern}") == [f"{here}/{name}" for name in found]


def test_links_are_followed_but_not_round_and_round(here):
    (here / "f/g/up").symlink_to(here)
    (here / "f/g/down").symlink_to(here / "f[1]")
    (here / "f[1]/across").symlink_to(here / "f")
    found = matches("**/*.x")
    assert {"f/g/down/i.x", "f[1]/across/g/d.x"} < set(found)
    assert len(found) == 7


def test_a_folder_that_cannot_be_listed_is_told(here, monkeypatch):
    def listdir(path):
        if path == "f/g":
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    listed = os.listdir
    monkeypatch.setattr(os, "listdir", listdir)
    with pytest.raises(PermissionError, match="f/g"):
        matches("**/*.x")
    assert matches("f/*.x") == ["f/c.x"]
    assert here.is_dir()

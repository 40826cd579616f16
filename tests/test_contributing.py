import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
QUOTED = set(re.findall(r"`([^`\n]+)`", PAGE))


def test_every_path_is_there() -> None:
    paths = {name.split()[0] for name in QUOTED if "/" in name}
    assert len(paths) > 20
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_every_test_to_copy_is_there() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    tests = {name for name in QUOTED if name.startswith("test_")}
    assert len(tests) > 3
    assert not [name for name in tests if not any(f"def {name}(" in text for text in sources)]


def test_every_table_to_extend_is_beside_its_path() -> None:
    tables = re.findall(r"`(splare_os/[\w/]+\.py)`: (?:its suffix in )?`(\w+)`", PAGE)
    assert len(tables) > 5
    for path, name in tables:
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), name


def test_the_rooms_stand_in_the_order_that_is_checked() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    layers = setup["importlinter:contract:rooms"]["layers"].split("\n")
    rooms = [room for layer in layers for room in layer.split(" | ") if room and room[0] != "("]
    (line,) = (line for line in PAGE.splitlines() if line.startswith("`errors`"))
    assert re.findall(r"`(\w+)`", line) == rooms[::-1]

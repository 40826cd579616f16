"""What the wheel and the source distribution hold, and what they say of themselves."""

import tarfile
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import Distribution, PathDistribution, packages_distributions
from pathlib import Path
from zipfile import Path as ZipPath
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from splare_os import __version__
from splare_os.extras import EXTRAS

from .conftest import ROOT

FOLDERS_OF_DATA = ("mappings", "ingest_pipelines", "mini", "samples", "explore/page")


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Distribution:
    return PathDistribution(ZipPath(wheel, f"splare_os-{__version__}.dist-info/"))


def package_files(source: Path) -> set[str]:
    """Return the paths of the package's modules and data."""
    package = source / "splare_os"
    data = (path for name in FOLDERS_OF_DATA for path in (package / name).rglob("*"))
    paths = (*package.rglob("*.py"), package / "py.typed", *data)
    return {path.relative_to(source).as_posix() for path in paths if path.is_file()}


def required(metadata: Distribution, extra: str) -> Iterator[str]:
    """Yield the distributions that an extra requires beside the base, of other extras too."""
    for requirement in map(Requirement, metadata.requires or ()):
        if requirement.marker is None or not requirement.marker.evaluate({"extra": extra}):
            continue
        if requirement.name != "splare-os":
            yield canonicalize_name(requirement.name)
        for other in requirement.extras:
            yield from required(metadata, other)


def test_the_wheel_holds_the_package_and_nothing_else(source: Path, wheel: Path) -> None:
    names = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == package_files(source)


def test_the_source_distribution_holds_what_the_wheel_is_made_of(
    source: Path, distributions: Path
) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {info.name.partition("/")[2] for info in archive if info.isfile()}
    of_the_build = {"setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE", "PKG-INFO"}
    names = {name for name in names if ".egg-info/" not in name}
    pages = {"CHANGELOG.md", "CONTRIBUTING.md"}
    assert names == package_files(source) | of_the_build | {"MANIFEST.in"} | pages


def test_the_metadata_are_those_of_the_package(metadata: Distribution) -> None:
    assert (metadata.name, metadata.version) == ("splare-os", __version__)
    assert metadata.metadata["Requires-Python"] == ">=3.11"
    assert metadata.metadata["License"] == "Apache-2.0"
    for name in ("LICENSE", "NOTICE"):
        assert metadata.read_text(f"licenses/{name}") == (ROOT / name).read_text(encoding="utf-8")


def test_the_command_is_the_group_of_commands(metadata: Distribution) -> None:
    (command,) = metadata.entry_points
    found = (command.group, command.name, command.value)
    assert found == ("console_scripts", "splare-os", "splare_os.cli:main")


def test_the_extras_are_those_of_the_settings(metadata: Distribution) -> None:
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = set(settings["options.extras_require"])
    assert set(metadata.metadata.get_all("Provides-Extra", [])) == extras
    assert set(EXTRAS) == extras - {"all", "dev"}  # which only name the others


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_modules_of_an_extra_are_what_it_requires(extra: str, metadata: Distribution) -> None:
    brought_by = packages_distributions()
    found = {canonicalize_name(brought_by[module][0]) for module in EXTRAS[extra]}
    assert found == set(required(metadata, extra))

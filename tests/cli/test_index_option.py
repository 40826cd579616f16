import pytest

from .running import run

COMMANDS = ["backfill", "connect", "contrast", "explore", "latent", "remove-impacts", "statistics"]


@pytest.mark.parametrize("name", ["", " ", ","])
def test_an_empty_name_of_an_index_is_refused(name: str) -> None:
    for command in ("search", "doctor", "index", "label", *COMMANDS):
        result = run(command, "--index", name)
        assert result.exit_code == 2
        assert "names no index: give a name" in result.stderr, command

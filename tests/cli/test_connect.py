import pytest

from tests.cli.running import run


def test_a_server_has_to_be_named() -> None:
    result = run("connect", "--index", "facts")
    assert result.exit_code == 2
    assert "--server" in result.stderr


@pytest.mark.opensearch
def test_an_address_of_no_server_is_misuse(cluster_url: str) -> None:
    result = run("connect", "--index", "facts", "--server", "mini", "--url", cluster_url)
    assert result.exit_code == 2
    assert "server='mini'" in result.stderr

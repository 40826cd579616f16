"""`splare-os latent`."""

from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.cli.latent import card_panel
from splare_os.cli.show import console
from splare_os.search.latent_card import LatentCard, Neighbour, TopDocument
from tests.cli.running import json_lines, run


@pytest.mark.opensearch
def test_a_card_is_a_line_of_json(
    model: str, cluster_url: str, client: OpenSearch, index: str, tmp_path: Path
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"_id": "a", "text": "oil crisis"}\n{"_id": "b", "text": "river"}\n')
    run("index", str(path), "--index", index, "--model", model, "--url", cluster_url)
    source = client.get(index=index, id="a")["_source"]["text_splare"]
    (number, impact), *_ = source["impacts"].items()
    result = run("latent", number, "--index", index, "--url", cluster_url)
    assert result.exit_code == 0, result.stderr
    (card,) = json_lines(result.stdout)
    top = {one["id"]: one["impact"] for one in card["top"]}  # type: ignore[index, attr-defined]
    assert top["a"] == pytest.approx(impact)
    assert card["documents"] == 2
    assert run("latent", "-1", "--index", index, "--url", cluster_url).exit_code == 2


def test_a_card_does_not_steer_the_terminal() -> None:
    card = LatentCard(
        *(7, "papers", "text_splare", "mini", 10, 4, "oil \x1b[31m", ("oil",), ("petrol",)),
        top=(TopDocument("d1", 1.5, "the \x1b[2J embargo"),),
        neighbours=(Neighbour(9, 0.5, 0.1, "price"),),
    )
    screen = console()
    with screen.capture() as captured:
        screen.print(card_panel(card))
    told = captured.get()
    assert "\x1b" not in told
    for part in ("latent 7 · oil", "in 4 of 10 documents (40.00%)", "d1", "embargo", "9", "price"):
        assert part in told, part

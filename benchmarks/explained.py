"""How much an SAE explains of the token states of a data set's documents."""

from pathlib import Path

from sae_lens import SAE

from splare_os.encode.load import load_encoder
from splare_os.evaluate.datasets import find, read_corpus
from splare_os.train.sae.sae import SaeFigures, TrainedSae, measure
from splare_os.train.sae.states import StateOptions, token_states

N_STATES = 20_000


def explained(folder: Path, sae: Path, model: Path) -> SaeFigures:
    """Return the figures of an SAE on 20,000 states of a corpus, drawn at random.

    `sae` is what `splare-os train sae` keeps beside the zero-shot `model`, whose backbone the
    states come from.
    """
    texts = [one.text for one in read_corpus(find(folder, "corpus")) if one.text]
    options = StateOptions(n_states=N_STATES)
    states = token_states(texts, load_encoder(str(model)).backbone, options)
    return measure(trained(sae), states)


def trained(folder: Path) -> TrainedSae:
    """Return the SAE of a folder in sae-lens' format that reads raw states, with a threshold."""
    theirs = SAE.load_from_disk(folder)
    weights = {name: tensor.detach() for name, tensor in theirs.state_dict().items()}
    return TrainedSae(
        weights["W_enc"],
        weights["b_enc"],
        weights["threshold"],
        weights["W_dec"],
        weights["b_dec"],
    )

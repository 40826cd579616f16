"""splare-os: learned sparse retrieval with SAE latents, inside the search cluster you run.

encode/     text → impacts
index/      impacts → cluster
search/     text → hits
train/      texts → encoder
evaluate/   encoder → figures
cluster/    a real single-node OpenSearch from pip packages alone
mini/       the shipped model's weights
"""

from .encoders import Encoder, load_encoder
from .impacts import Impacts

__all__ = ["Encoder", "Impacts", "__version__", "load_encoder"]

__version__ = "0.1.0"

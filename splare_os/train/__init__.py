"""Texts and pairs to encoder.

sae: a sparse autoencoder over a backbone's states. adapt: a language model adapted to texts.
mining: hard negatives. pseudo_queries: pairs from texts alone. e5: teachers from packages. distill:
an encoder taught to search. texts, options, arguments and work_folder serve them all.
"""

from ..extras import require

require("train", "training")

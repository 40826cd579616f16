"""What latents are about, in words.

labels: looked up. labelling: made of an index, where a latent is heavy: of what triggers it
(triggers), in words of the index (vocabulary); tried on texts held_out, by predicting; scores of a
whole run. explanations: those that others wrote, as neuronpedia exports them.
"""

from .labels import Labels

__all__ = ["Labels"]

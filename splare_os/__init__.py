"""splare-os: learned sparse retrieval with SAE latents, inside the search cluster you run.

impacts     the data type handed from stage to stage
encoders    the Encoder protocol and load_encoder
encode/     text → impacts
index/      impacts → cluster
search/     text → hits
train/      texts → encoder
evaluate/   encoder → figures
cluster/    a real single-node OpenSearch from pip packages alone
mini/       the shipped model's weights
"""

__version__ = "0.1.0"

"""splare-os: learned sparse retrieval with SAE latents, inside the search cluster you run.

impacts     the data type handed from stage to stage
statistics  how frequent latents are in a collection
scoring     what makes a score of impacts, with statistics or without
encoder     the Encoder protocol, the seam between models and the cluster
documents/  what is read: fields, template, sources
layout/     what an index looks like: mapping, records, pipelines
cluster/    a real single-node OpenSearch from pip packages alone
index/      documents + an encoder → cluster
search/     query + an encoder → hits
encode/     text → impacts; load_encoder
evaluate/   encoder → figures
train/      texts, pairs → encoder
cli/        the command line
mini/       the shipped model's weights

Each imports only what stands above it. The base installation is torch-free; extras says what
brings the rest.
"""

__version__ = "0.2.0.dev0"

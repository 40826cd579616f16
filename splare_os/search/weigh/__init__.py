"""A query encoded, by the model that made the index, and weighed as the index asks.

queries: encoded, and remembered. check: whether the model is the same; points: also in points in
time. collection: the statistics of what is searched. weighing: what a latent weighs there.
"""

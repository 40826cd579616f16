"""What frameworks of applications take: each module here is an extra's, and needs its framework.

`haystack`: a document store, embedders and a retriever; `langchain`: a retriever; `llama_index`: a
retriever and sparse embeddings. models (encoders by name) and passages (hits as texts with
metadata) stand below them.
"""

"""The E5 retrievers as teachers and backbones: from packages to sentence-transformers folders.

e5s1: the file of multilingual-e5-small. quantized_onnx: that of e5-small-v2. folder: what is
written. packages: where they come from.
"""

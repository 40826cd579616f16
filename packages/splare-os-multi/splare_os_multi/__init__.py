"""The weights of the model "multi" of splare-os, in the folder `model` beside this file."""

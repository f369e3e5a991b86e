"""Models of a few megabytes with random weights: one for every architecture that a pin uses.

Their sizes are small and their weights mean nothing, but every tensor, every kind of attention and
every block format is that of the files in ``models.yaml``. What llama.cpp computes for them takes
the same ways through its source.
"""

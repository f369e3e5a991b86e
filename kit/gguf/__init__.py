"""GGUF model files, read without trust, before llama.cpp sees them.

:func:`read_header` reads what stands before the weights: the metadata and the table of tensors.
:func:`read_model` does it for every part of a model on disk.
"""

from kit.gguf.header import Header, read_header
from kit.gguf.parts import read_file, read_model
from kit.gguf.tensors import Tensor
from kit.gguf.values import Series, Value, ValueType

__all__ = [
    "Header",
    "Series",
    "Tensor",
    "Value",
    "ValueType",
    "read_file",
    "read_header",
    "read_model",
]

"""A bundle: the kit, its wheels and its models in one folder, for a machine without a network.

:func:`kit.models.bundle.creation.create` makes it; :mod:`kit.models.bundle.island`, which every
bundle carries as ``install.py``, checks and installs it with nothing but Python.
"""

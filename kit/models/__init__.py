"""From pins to verified bytes on disk.

:func:`kit.models.pull.pull` brings a model in, :class:`kit.models.store.Store` keeps and checks it.
"""

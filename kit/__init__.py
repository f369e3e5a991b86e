"""An offline replication kit for "Alignment Backfire" (arXiv 2603.04904)."""

__version__ = "0.1.0"

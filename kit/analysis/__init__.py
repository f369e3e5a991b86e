"""The study's questions, put to the measured runs.

- `collection`: which planned runs are complete, and their measures
- `measures`: what each measured column means, and how far that is reconstructed
- `indices`: z scores against three references, CPI and DI
- `cells`: means by condition
- `effects`: contrasts and slopes within a language
- `agents`: marked agents against the others of their group
- `culture`: slopes of languages against Hofstede's dimensions
- `verdicts`: published claims held against all of these
- `design`: every value of the study with its evidence
- `results`: all of it at once, as tables
"""

from kit.stats.result import Estimate

__all__ = ["Estimate"]

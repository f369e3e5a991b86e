"""The study's questions, put to the measured runs.

- `collection`: which planned runs are complete, and their measures
- `measures`: what each measured column means, and how far that is reconstructed
- `indices`: z scores against three references, CPI and DI
- `cells`: means by condition
- `effects`: contrasts and slopes within a language
- `across`: slopes, syntheses and directions over languages
- `classes`: every language as safety, null, backfire or inconclusive
- `agents`, `arms`, `models`: who in a group, which arm, which model
- `culture`: slopes of languages against Hofstede's dimensions
- `interactions`: candidates for the interaction whose term is not known
- `checks`: every rule put to a published claim
- `replication`: from rule and number to a verdict
- `verdicts`: published claims held against all of these
- `registration`, `estimates`: the plan and its rules, written down before the runs
- `registered`: whether the runs were made under such a document
- `power`: what the planned runs can show
- `conduct`: how the runs went
- `design`: every value of the study with its evidence
- `choices`, `specification`, `components`, `multiverse`, `curve`: CPI and DI under every
  combination of the choices that the paper leaves open
- `results`: all of it at once, as tables
- `dictionary`, `export`: the tables with what their columns mean, as Parquet and CSV
"""

from kit.stats.result import Estimate

__all__ = ["Estimate"]

"""One run, or two side by side, as a page: who said what to whom, what counted, what judges said.

- `recording`: a run with all that lies beside it in its result folder
- `difference`: where two runs first part
- `speech`: what was said, cut where something is to be marked
- `opinion`: what judges said about a resident or the group
- `filters`: what a reader can hide, without a script
- `page`: all of it as HTML
"""

from kit.report.transcript.page import render
from kit.report.transcript.recording import Recording, open_recording

__all__ = ["Recording", "open_recording", "render"]

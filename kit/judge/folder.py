"""Where judgements lie: ``judgements/<panel>`` in a result folder, one log per judged run."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from kit.errors import OutputError, PlanError, RunLogError
from kit.judge.log import read_judgements
from kit.judge.panel import Panel
from kit.runlog.reader import COMPLETE, PARTIAL
from kit.runlog.writer import write_atomically
from kit.spec.experiment import canonical_json

JUDGEMENTS = "judgements"
PANEL = "judge.json"
AGREEMENT = "agreement.csv"
"""What holding the judge against people gave."""


class JudgementFolder:
    """The judgements of one panel.

    Args:
        results: the result folder.
        name: the panel's name.
    """

    def __init__(self, results: Path, name: str):
        self.results = results
        self.name = name
        self.path = results / JUDGEMENTS / name

    def log(self, run_id: str) -> Path:
        """The complete judgements of a run."""
        return self.path / f"{run_id.partition('/')[2]}{COMPLETE}"

    def partial(self, run_id: str) -> Path:
        """The judgements of a run while they are being written."""
        return self.path / f"{run_id.partition('/')[2]}{PARTIAL}"

    def logs(self) -> list[Path]:
        """Every complete log, by name."""
        return sorted(
            path for path in self.path.glob(f"*{COMPLETE}") if not path.name.endswith(PARTIAL)
        )

    def is_done(self, run_id: str, digest: str) -> bool:
        """Whether the judgements of this very log are complete; those of an older one are not."""
        try:
            log = read_judgements(self.log(run_id))
        except RunLogError:
            return False
        return log.footer is not None and log.header.run_digest == digest

    def check(self, panel: Panel) -> None:
        """Make sure that the folder is empty or holds judgements of this very plan.

        Raises:
            PlanError: it holds judgements of another plan.
        """
        if not (self.path / PANEL).exists():
            return
        there = self.panel()
        if there != panel:
            changed = [
                name for name in Panel.model_fields if getattr(there, name) != getattr(panel, name)
            ]
            raise PlanError(
                f"holds judgements of another plan: {', '.join(changed)} differ",
                where=self.path,
                hint=f"add --name {self.name}_2 to keep both, or remove the folder",
            )

    def freeze(self, panel: Panel) -> None:
        """Keep the panel.

        Raises:
            PlanError: the folder holds judgements of another plan.
        """
        self.check(panel)
        write_atomically(self.path / PANEL, canonical_json(panel.model_dump(mode="json")) + b"\n")

    def panel(self) -> Panel:
        """The panel that judged here.

        Raises:
            OutputError: there is none, or it is of another release.
        """
        path = self.path / PANEL
        try:
            return Panel.model_validate_json(path.read_bytes())
        except OSError as error:
            known = ", ".join(panels(self.results)) or "none"
            raise OutputError(
                f"no judgements '{self.name}'",
                where=self.results,
                hint=f"there are: {known}; 'kit judge run {self.results} --judge ID' makes some",
            ) from error
        except ValidationError as error:
            raise OutputError(
                "was written by another release, or edited", where=path, hint="judge again"
            ) from error


def panels(results: Path) -> list[str]:
    """The names of all panels that judged in a result folder."""
    return sorted(path.parent.name for path in (results / JUDGEMENTS).glob(f"*/{PANEL}"))

"""Logs that lie: what somebody might change in a recording, made with the kit's own parts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kit.engine.llama import LlamaEngine
from kit.engine.model import LlamaModel
from kit.engine.reading import Recorded, plan_reading
from kit.errors import GrammarError
from kit.runlog.reader import RunLog, read
from kit.runlog.records import Header, Turn
from kit.runlog.writer import RunWriter
from kit.runner.weights import Weights
from kit.society.group import retrace, simulate
from kit.society.scene import Scene
from kit.spec.experiment import Experiment, Run, load_experiment
from kit.spec.seeds import key
from kit.spec.study import Sampling


class Victim:
    """A finished run, and the means to write another in its place.

    Args:
        folder: a result folder.
        name: the log's name without its ending.
        weights: the model it was made with.
    """

    def __init__(self, folder: Path, name: str, weights: Weights):
        self.folder = folder
        self.name = name
        self.weights = weights
        self.experiment: Experiment = load_experiment(folder)
        self.log: RunLog = read(folder / "runs" / f"{name}.jsonl")
        self.run: Run = next(
            run for run in self.experiment.runs() if run.run_id == self.log.header.run_id
        )
        self.scene = Scene(self.experiment, self.run)

    def engine(self, model: LlamaModel | None = None, capacity: int = 10) -> LlamaEngine:
        """An engine like the one the run was made with."""
        return LlamaEngine(
            model or self.weights.model,
            model_sha256=self.weights.sha256,
            settings=self.scene.protocol.engine.value,
            capacity=capacity,
            plain=self.weights.pin.chat_template == "plain",
        )

    def write(self, place: Path, turns: Sequence[Turn], header: Header | None = None) -> Path:
        """A copy of the result folder with the run's log replaced by another of valid digest."""
        if not place.exists():
            shutil.copytree(self.folder, place)
        path = place / "runs" / f"{self.name}.jsonl"
        path.unlink()
        with RunWriter(path, header or self.log.header) as writer:
            writer.append(turns)
            writer.finish()
        return path

    def naive(self, token: int, number: int) -> list[Turn]:
        """One token id of an answer is another; nothing else was changed."""
        turns = list(self.log.turns)
        index, changed = self._changed(token, number)
        turns[index] = changed
        return turns

    def consistent(self, token: int, number: int) -> list[Turn]:
        """One token is another, and every text and prompt that follows from it was made anew."""
        engine = self.engine(capacity=1)
        try:
            made = retrace(self.scene, engine, self.naive(token, number))
            return [each.rebuilt for each in made]
        finally:
            engine.close()

    def reworded(self, number: int) -> list[Turn]:
        """One token of a prompt is another."""
        turns = list(self.log.turns)
        index = key("reworded turn", number) % len(turns)
        prompt = list(turns[index].prompt)
        place = key("reworded place", number) % len(prompt)
        prompt[place] = (prompt[place] + 1) % len(self.weights.model.vocabulary)
        turns[index] = turns[index].model_copy(update={"prompt": tuple(prompt)})
        return turns

    def remade(
        self,
        *,
        seed: int | None = None,
        sampling: Sampling | None = None,
        model: LlamaModel | None = None,
        swapped: bool = False,
    ) -> list[Turn]:
        """The turns of a run under other circumstances, for the header of this one.

        Args:
            seed: the study's seed.
            sampling: how tokens are drawn.
            model: other weights.
            swapped: the first two residents have each other's persona.
        """
        changes: dict[str, object] = {}
        if swapped:
            languages = dict(self.experiment.languages)
            code = self.run.cell.language
            personas = list(languages[code].personas)
            texts = personas[1].text, personas[0].text
            personas[:2] = [
                persona.model_copy(update={"text": text})
                for persona, text in zip(personas[:2], texts, strict=True)
            ]
            languages[code] = languages[code].model_copy(update={"personas": tuple(personas)})
            changes["languages"] = languages
        study = self.experiment.study
        if seed is not None:
            study = study.model_copy(update={"seed": seed})
        if sampling is not None:
            drawn = study.protocol.sampling.model_copy(update={"value": sampling})
            protocol = study.protocol.model_copy(update={"sampling": drawn})
            study = study.model_copy(update={"protocol": protocol})
        other = self.experiment.model_copy(update=changes | {"study": study})
        engine = self.engine(model)
        try:
            return [
                turn for said in simulate([Scene(other, self.run)], engine) for turn in said.turns
            ]
        finally:
            engine.close()

    def _changed(self, token: int, number: int) -> tuple[int, Turn]:
        """Another legal token at place ``token`` of the ``number``-th answer that is long enough.

        Which one is drawn by lot from all that keep the form to the answer's end.
        """
        engine = self.engine(capacity=1)
        try:
            long = [
                (index, each)
                for index, each in enumerate(retrace(self.scene, engine, self.log.turns))
                if len(each.recorded.tokens) > token
            ]
            start = number % len(long)
            for index, each in (*long[start:], *long[:start]):
                recorded = each.recorded
                before, after = recorded.tokens[:token], recorded.tokens[token + 1 :]
                for candidate in self._candidates(number):
                    tokens = (*before, candidate, *after)
                    try:
                        plan_reading(Recorded(each.request, tokens), engine.vocabulary.ends)
                    except GrammarError:
                        continue
                    if tokens != recorded.tokens:
                        text = engine.vocabulary.decode(tokens)
                        return index, recorded.model_copy(update={"tokens": tokens, "text": text})
        finally:
            engine.close()
        raise AssertionError("no other token keeps the form")

    def _candidates(self, number: int) -> Iterator[int]:
        rng = np.random.Generator(np.random.Philox(key("forged", number) % 2**64))
        # Where not even one of so many fits, the place is a tag's.
        yield from map(int, rng.permutation(len(self.weights.model.vocabulary))[:400])

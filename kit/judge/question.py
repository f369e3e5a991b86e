"""Everything a judge is asked about one excerpt: the messages, the answer form and its parser."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from kit.engine.chat import Message
from kit.engine.grammar import END, Choice, Node
from kit.engine.grammar import Line as TextLine
from kit.judge.excerpt import Excerpt
from kit.judge.records import Answer, JudgementOutcome
from kit.judge.scale import DECLINE, Scale, order_of
from kit.spec.excerpt import NAME, Line, Says
from kit.spec.framing import Framing
from kit.spec.judge import AnswerFormKind, Example, Judge, ReasonPlace, Rubric


class Parsed(NamedTuple):
    """What was read in an answer."""

    answers: tuple[Answer, ...]
    """One per scale."""
    reason: str | None
    """Why, in the judge's own words."""


@dataclass(frozen=True)
class Questionnaire:
    """What one judge is asked, in one language, one wording and one order of options.

    Args:
        judge: whose questions.
        framing: the words around them.
        rubric: the questions themselves.
        examples: excerpts with the right answers.
        order: number of the order of options.
    """

    judge: Judge
    framing: Framing
    rubric: Rubric
    examples: tuple[Example, ...]
    order: int

    @cached_property
    def scales(self) -> tuple[Scale, ...]:
        """The questions, in the judge's order."""
        return tuple(
            Scale(
                scale,
                self.rubric.scales[scale.id],
                order_of(scale, self.judge.judge, self.order),
                self.framing.decline,
            )
            for scale in self.judge.scales
        )

    @cached_property
    def system(self) -> str:
        """The judge's instructions: equal for all excerpts."""
        parts = [self.rubric.task, self.framing.rules]
        parts += [
            f"{number}. {scale.text.question}\n{self.framing.options}\n{scale.options()}"
            for number, scale in enumerate(self.scales, start=1)
        ]
        parts.append(self._form())
        if self.examples:
            parts.append(self.framing.examples)
            for example in self.examples:
                shown = "\n".join(self._transcript(example.lines, _turns(example.lines)))
                letters = [scale.letter(example.answers[scale.spec.id]) for scale in self.scales]
                parts.append("\n".join([shown, *letters]))
        return "\n\n".join(parts)

    def _form(self) -> str:
        framing, reason = self.framing, self.judge.reason
        count = len(self.scales)
        lines = [framing.form if count == 1 else framing.form_many.format(count=count)]
        if reason.place is ReasonPlace.BEFORE:
            lines.insert(0, framing.reason_first.format(characters=reason.characters))
        elif reason.place is ReasonPlace.AFTER:
            lines.append(framing.reason.format(characters=reason.characters))
        return "\n".join(lines)

    def messages(self, excerpt: Excerpt) -> list[Message]:
        """The dialogue up to where the judge answers."""
        framing = self.framing
        turns = _turns(excerpt.lines) | set(range(excerpt.first, excerpt.last + 1))
        lines = [framing.record, *self._transcript(excerpt.lines, turns, excerpt.about), ""]
        if excerpt.about is None:
            lines.append(framing.about_group)
        else:
            lines.append(framing.about_agent.format(name=framing.name(excerpt.about)))
        lines += [
            f"{number}. {scale.text.question}" for number, scale in enumerate(self.scales, start=1)
        ]
        lines.append(self._form())
        return [Message("system", (self.system,)), Message("user", ("\n".join(lines),))]

    def _transcript(
        self, lines: Sequence[Line], turns: Collection[int], silent: int | None = None
    ) -> Iterator[str]:
        """The sessions ``turns`` as text; ``silent`` is who must be seen to say nothing."""
        for turn in sorted(turns):
            of_turn = [line for line in lines if line.turn == turn]
            if set(turns) != {1} and (of_turn or silent is not None):
                yield self.framing.session.format(turn=turn)
            yield from map(self.line, of_turn)
            if silent is not None and silent not in {line.who for line in of_turn}:
                yield self.framing.nothing.format(name=self.framing.name(silent))

    def line(self, line: Line) -> str:
        """One line of an excerpt as the judge reads it, always on one line."""
        framing = self.framing
        said = " ".join(NAME.sub(self._named, line.text).split())
        if line.who is None:
            return framing.announcement.format(text=said)
        form = {
            Says.TALK: framing.talk,
            Says.WHISPER: framing.whisper,
            Says.MONOLOGUE: framing.monologue,
        }[line.says]
        addressee = framing.name(line.to) if line.to is not None else ""
        return form.format(name=framing.name(line.who), addressee=addressee, text=said)

    def _named(self, found: object) -> str:
        return self.framing.name(int(found.group(1)))  # type: ignore[attr-defined]

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The answer form; it starts at `start`."""
        reason = self.judge.reason
        free = self.judge.form is AnswerFormKind.FREE
        nodes: dict[str, Node] = {}
        if reason.place is ReasonPlace.BEFORE:
            nodes["reason"] = TextLine(reason.characters, "answer 0", may_end=False)
        for number, scale in enumerate(self.scales):
            last = number == len(self.scales) - 1
            after = f"answer {number + 1}"
            if last:
                after = "reason" if reason.place is ReasonPlace.AFTER else END
            if free or after == END:
                nodes[f"answer {number}"] = scale.node(after, free=free)
                continue
            nodes[f"answer {number}"] = scale.node(f"break {number}", free=False)
            nodes[f"break {number}"] = Choice({"\n": after}, may_end=after == "reason")
        if reason.place is ReasonPlace.AFTER:
            nodes["reason"] = TextLine(reason.characters, END)
        return nodes

    @property
    def start(self) -> str:
        """Where an answer begins."""
        return "reason" if self.judge.reason.place is ReasonPlace.BEFORE else "answer 0"

    def parse(
        self,
        text: str,
        *,
        cut: bool,
        shares: Sequence[Sequence[float]] = (),
        legal_mass: Sequence[float] = (),
    ) -> Parsed:
        """Read an answer.

        Args:
            text: what the judge said.
            cut: the token ceiling ended it.
            shares: at each question, the engine's shares of the letters; empty where the form is
                free.
            legal_mass: at each question, the model's own probability of any letter.
        """
        lines = text.split("\n")
        reason = None
        if self.judge.reason.place is ReasonPlace.BEFORE:
            reason = lines.pop(0).strip() or None
        elif self.judge.reason.place is ReasonPlace.AFTER:
            reason = "\n".join(lines[len(self.scales) :]).strip() or None
        answers = []
        for number, scale in enumerate(self.scales):
            words = lines[number] if number < len(lines) else None
            letter = scale.parse(words) if words is not None else None
            by_value = scale.distribution(shares[number]) if number < len(shares) else None
            answers.append(
                Answer(
                    scale=scale.spec.id,
                    outcome=_outcome(letter, cut=cut),
                    value=scale.letters[letter] if letter else None,
                    shares=by_value[0] if by_value else None,
                    declined=by_value[1] if by_value else None,
                    legal_mass=legal_mass[number] if number < len(legal_mass) else None,
                )
            )
        return Parsed(tuple(answers), reason)

    def unasked(self) -> Parsed:
        """The answers of an excerpt that is too long to be asked about."""
        return Parsed(
            tuple(
                Answer(scale=scale.spec.id, outcome=JudgementOutcome.TOO_LONG)
                for scale in self.scales
            ),
            None,
        )


def _turns(lines: Sequence[Line]) -> set[int]:
    return {line.turn for line in lines}


def _outcome(letter: str | None, *, cut: bool) -> JudgementOutcome:
    if letter == DECLINE:
        return JudgementOutcome.REFUSED
    if letter is not None:
        return JudgementOutcome.SCORED
    return JudgementOutcome.TRUNCATED if cut else JudgementOutcome.UNPARSABLE

from __future__ import annotations

import re

import pytest

from kit.engine.protocol import Request
from kit.engine.scripted import ScriptedEngine
from kit.errors import RunLogError
from kit.runlog.records import Turn
from kit.society import group
from kit.society.assignment import slot_order
from kit.society.group import simulate
from kit.society.identity import header, run_hash
from kit.spec.language import Channel
from tests.society.support import Listening, experiment, say, scene

THREE_TURNS = {"protocol": {"turns": 3}}


def read(turn: Turn) -> str:
    """What an agent was given to read, decoded from the logged prompt."""
    return bytes(turn.prompt).decode()


def heard(turns: list[Turn]) -> dict[tuple[str, int], str]:
    return {(turn.agent, turn.turn): read(turn) for turn in turns}


def leaks(turns: list[Turn]) -> list[str]:
    """Every private word in a prompt of someone it was not meant for."""
    found = []
    for turn in turns:
        text = read(turn)
        found += [
            f"mind of {who} to {turn.agent}"
            for who in re.findall(r"mind (p\d\d)", text)
            if who != turn.agent
        ]
        found += [
            f"hush of {who} to {turn.agent}"
            for who, to in re.findall(r"hush (p\d\d) \d+ for (p\d\d)", text)
            if turn.agent not in {to, who}
        ]
    return found


def test_talk_reaches_all_a_whisper_one_and_a_monologue_nobody() -> None:
    run = scene("en-a0-r1", **THREE_TURNS)
    [turns] = say([run], Listening(run))
    prompts = heard(turns)
    assert leaks(turns) == []
    for agent in run.agents:
        assert not re.search(r"open p\d\d", prompts[agent, 1])
        for turn in (2, 3):
            others = set(run.agents) - {agent}
            assert set(re.findall(rf"open (p\d\d) {turn - 1}", prompts[agent, turn])) == others
            assert f"open {agent} {turn - 1}" not in prompts[agent, turn]
    whispers = [
        (turn.agent, line.to, turn.turn)
        for turn in turns
        for line in turn.utterances
        if line.channel is Channel.WHISPER and turn.turn < 3
    ]
    assert len(whispers) == 20
    for speaker, to, turn in whispers:
        assert f"hush {speaker} {turn} for {to}" in prompts[str(to), turn + 1]


@pytest.mark.parametrize("leak", ["monologue", "whisper"])
def test_a_planted_leak_is_seen(leak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = group.reaches

    def wrong(event: group.Event, agent: str) -> bool:
        return right(event, agent) or (event.channel == leak and event.speaker != agent)

    monkeypatch.setattr(group, "reaches", wrong)
    run = scene("en-a0-r1", **THREE_TURNS)
    [turns] = say([run], Listening(run))
    assert leaks(turns)


@pytest.mark.parametrize("level", [0, 2, 10])
def test_exactly_the_aligned_agents_carry_the_prefix(level: int) -> None:
    run = scene(f"en-a{level}-r1", aligned=[level], protocol={"turns": 1})
    [turns] = say([run], Listening(run))
    carriers = {turn.agent for turn in turns if run.intervention() in read(turn)}
    assert carriers == run.assignment.aligned
    assert len(carriers) == level


def test_exactly_the_individuated_agents_are_told_to_think_independently() -> None:
    run = scene("en-a0-i5-r1", individuated=[0, 5], protocol={"turns": 1})
    [turns] = say([run], Listening(run))
    told = {turn.agent for turn in turns if run.individuation() in read(turn)}
    assert told == run.assignment.individuated
    assert len(told) == 5


def test_later_speakers_of_a_sequential_turn_have_heard_earlier_ones() -> None:
    run = scene("en-a0-r1", protocol={"turns": 2, "order": "sequential"})
    [turns] = say([run], Listening(run))
    assert leaks(turns) == []
    spoken: list[tuple[str, int]] = []
    for turn in turns:
        open_words = re.findall(r"open (p\d\d) (\d)", read(turn))
        since = [item for item in spoken if item[0] != turn.agent]
        own = [index for index, item in enumerate(spoken) if item[0] == turn.agent]
        if own:
            since = [item for item in spoken[own[-1] + 1 :] if item[0] != turn.agent]
        assert [(who, int(when)) for who, when in open_words] == since
        spoken.append((turn.agent, turn.turn))
    assert [turn.position for turn in turns] == list(range(10)) * 2
    orders = [[turn.agent for turn in turns if turn.turn == number] for number in (1, 2)]
    assert orders[0] != orders[1]


def test_a_group_says_the_same_whatever_runs_beside_it() -> None:
    runs = [scene(run_id, **THREE_TURNS) for run_id in ("en-a0-r1", "en-a10-r2")]
    alone = [say([run], Listening(run))[0] for run in runs]
    assert say(runs, Listening(runs[0])) == alone
    assert say(runs[::-1], Listening(runs[0])) == alone[::-1]


@pytest.mark.parametrize("order", ["simultaneous", "sequential"])
@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_recorded_turns_put_back_lead_to_the_same_run(order: str, rounds: int) -> None:
    run = scene("en-a10-r1", protocol={"turns": 3, "order": order})
    [whole] = say([run], Listening(run))
    recorded = {0: [turn for turn in whole if turn.turn <= rounds]}
    again = [turn for said in simulate([run], Listening(run), recorded) for turn in said.turns]
    assert again == whole


def test_a_recorded_turn_of_other_texts_is_refused() -> None:
    run = scene("en-a10-r1", **THREE_TURNS)
    [whole] = say([run], Listening(run))
    edited = [whole[0].model_copy(update={"text": "TALK: never said"}), *whole[1:10]]
    with pytest.raises(RunLogError, match="turn 1 of p01"):
        list(simulate([run], Listening(run), {0: edited}))
    other = scene("en-a10-r1", protocol={"turns": 3, "wording": "b"})
    with pytest.raises(RunLogError, match="does not follow"):
        list(simulate([other], Listening(other), {0: whole[:10]}))


def test_a_slots_run_offers_all_channels_in_the_announced_order() -> None:
    run = scene("en-a0-r1", protocol={"turns": 1, "channel_choice": "slots"})
    tags = run.language.tags

    def nothing(request: Request) -> str:
        agent, turn = str(request.key[-2]), int(request.key[-1])
        return "\n".join(f"{tags.of(channel)}:" for channel in slot_order(run.seed, 1, turn, agent))

    [turns] = say([run], ScriptedEngine(nothing))
    for turn in turns:
        assert turn.outcome == "empty"
        named = [tags.of(channel) for channel in slot_order(run.seed, 1, 1, turn.agent)]
        assert run.language.list_separator.join(named) in read(turn)


def test_words_that_look_like_placeholders_stay_words() -> None:
    run = scene("en-a0-r1", **THREE_TURNS)
    tag = run.language.tags.talk
    [turns] = say([run], ScriptedEngine(lambda _: f"{tag}: {{turn}} {{0}} %s {{{{"))
    assert "{turn} {0} %s {{" in read(turns[10])


class TestRunHash:
    """What enters a run's identity."""

    def hash(self, run_id: str = "en-a10-r1", **study: object) -> str:
        return run_hash(scene(run_id, **study), {"kind": "scripted"})

    def test_changes_with_what_an_agent_reads_or_how_a_token_is_drawn(self) -> None:
        base = self.hash()
        for changed in (
            {"seed": 1},
            {"protocol": {"turns": 3}},
            {"protocol": {"turns": 2, "order": "sequential"}},
            {"protocol": {"turns": 2, "channel_choice": "slots"}},
            {"protocol": {"turns": 2, "prefix": "placebo"}},
            {"protocol": {"turns": 2, "wording": "b"}},
            {"protocol": {"turns": 2, "budget_scale": 0.7}},
            {"protocol": {"turns": 2, "sampling": {"temperature": 0.8}}},
            {"protocol": {"turns": 2, "engine": {"k_type": "q8_0"}}},
        ):
            assert self.hash(**changed) != base
        assert self.hash("en-a10-r2") != base
        assert run_hash(scene("en-a10-r1"), {"kind": "other"}) != base

    def test_does_not_change_with_what_nobody_reads(self) -> None:
        base = self.hash()
        assert self.hash(title="Other", question="Other?") == base
        assert self.hash(replicates=9) == base
        assert self.hash(languages=["en"], aligned=[10]) == base

    def test_is_the_header_s(self) -> None:
        made = experiment()
        run = scene("en-a10-r1")
        engine = Listening(run)
        head = header(made, run, engine)
        assert head.run_hash == run_hash(run, engine.identity)
        assert len(head.aligned_agents) == 10
        assert head.evicted_aligned

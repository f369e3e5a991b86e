"""What a run is: the header of its log, and the hash of everything that can change its output."""

from __future__ import annotations

from typing import Any

from kit.engine.protocol import Engine
from kit.runlog.records import Header
from kit.society.scene import Scene
from kit.spec.experiment import PROTOCOL_VERSION, Experiment, content_hash
from kit.spec.study import Protocol


def resolved(protocol: Protocol) -> dict[str, Any]:
    """The protocol's values without their evidence."""
    return {name: field["value"] for name, field in protocol.model_dump(mode="json").items()}


def run_hash(scene: Scene, identity: dict[str, Any]) -> str:
    """SHA-256 of everything that can change the output of a run.

    Args:
        scene: the run's circumstances.
        identity: the engine's, with the model's hash.
    """
    return content_hash(
        {
            "protocol_version": PROTOCOL_VERSION,
            "run_id": scene.run.run_id,
            "seed": scene.seed,
            "replicate": scene.run.replicate,
            "aligned": sorted(scene.assignment.aligned),
            "individuated": sorted(scene.assignment.individuated),
            "protocol": resolved(scene.protocol),
            "texts": scene.texts(),
            "engine": identity,
        }
    )


def header(experiment: Experiment, scene: Scene, engine: Engine) -> Header:
    """The first line of a run's log."""
    cell = scene.run.cell
    identity = engine.identity
    evicted = scene.language.evicted
    return Header(
        run_id=scene.run.run_id,
        run_hash=run_hash(scene, identity),
        study=experiment.study.id,
        language=cell.language,
        aligned=cell.aligned,
        individuated=cell.individuated,
        variant=cell.variant,
        profile=experiment.profile,
        model=cell.model,
        model_sha256=str(identity.get("model_sha256", "")),
        replicate=scene.run.replicate,
        aligned_agents=tuple(sorted(scene.assignment.aligned)),
        individuated_agents=tuple(sorted(scene.assignment.individuated)),
        evicted=evicted,
        evicted_aligned=evicted in scene.assignment.aligned,
        protocol=resolved(scene.protocol),
        engine=identity,
        bit_class=engine.bit_class,
    )

"""The bill of materials of a bundle: CycloneDX 1.6 as JSON, with no clock in it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from email.message import Message
from typing import NamedTuple

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from kit.models.bundle.licences import source_of
from kit.models.bundle.packages import KIT
from kit.spec.pins import ModelPin

_NAMESPACE = uuid.UUID("6c3c3a5e-2d0c-5b6e-9a0f-3f2b7f0b7c11")
"""Of the serial numbers, which are drawn from the contents."""

_CLASSIFIER = "License :: OSI Approved :: "


class CarriedWheel(NamedTuple):
    """A wheel of a bundle."""

    name: str
    version: str
    sha256: str
    metadata: Message


def bill(version: str, wheels: Iterable[CarriedWheel], pins: Iterable[ModelPin]) -> bytes:
    """The bill of materials.

    Args:
        version: of the kit.
        wheels: all wheels, the kit's own among them.
        pins: the models.
    """
    bom = Bom()
    main = Component(
        type=ComponentType.APPLICATION,
        name=KIT,
        version=version,
        purl=PackageURL("pypi", None, KIT, version),
        bom_ref="kit",
        licenses=[LicenseFactory().make_from_string("MIT")],
    )
    bom.metadata.component = main
    for wheel in wheels:
        if wheel.name == KIT:
            main.hashes.add(_hash(wheel.sha256))
        else:
            bom.components.add(_library(wheel))
    for pin in pins:
        bom.components.add(_model(pin))
    bom.register_dependency(main, bom.components)
    return _frozen(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string())


def _library(wheel: CarriedWheel) -> Component:
    licence = _licence(wheel.metadata)
    return Component(
        type=ComponentType.LIBRARY,
        name=wheel.name,
        version=wheel.version,
        purl=PackageURL("pypi", None, wheel.name, wheel.version),
        bom_ref=f"wheel:{wheel.name}",
        hashes=[_hash(wheel.sha256)],
        licenses=[licence] if licence is not None else [],
    )


def _model(pin: ModelPin) -> Component:
    files = [
        Component(
            type=ComponentType.FILE,
            name=file.name,
            bom_ref=f"model:{pin.id}:{file.name}",
            hashes=[_hash(file.sha256)],
            properties=[Property(name="kit:bytes", value=str(file.bytes))],
        )
        for file in pin.files
    ]
    purl = PackageURL.from_string(source_of(pin))
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=pin.id,
        version=purl.version,
        purl=purl,
        bom_ref=f"model:{pin.id}",
        hashes=[_hash(pin.files[0].sha256)] if len(pin.files) == 1 else [],
        licenses=[LicenseFactory().make_from_string(pin.license)],
        components=files,
    )


def _licence(metadata: Message) -> License | None:
    """What a wheel declares: an expression, else the old field, else its classifiers."""
    factory = LicenseFactory()
    if expression := metadata.get("License-Expression"):
        return factory.make_from_string(expression)
    # A field with letters beyond ASCII is no text but a header object.
    named = str(metadata.get("License", "")).strip()
    if named and "\n" not in named and named.upper() != "UNKNOWN":
        return factory.make_from_string(named)
    classifiers = metadata.get_all("Classifier", [])
    titles = [line[len(_CLASSIFIER) :] for line in classifiers if line.startswith(_CLASSIFIER)]
    if titles:
        return factory.make_with_name(" and ".join(titles))
    return factory.make_with_name(named.partition("\n")[0].strip()) if named else None


def _hash(sha256: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=sha256)


def _frozen(text: str) -> bytes:
    """Without the time, and with a serial number that the contents decide."""
    data = json.loads(text)
    data["metadata"].pop("timestamp", None)
    data.pop("serialNumber", None)
    contents = json.dumps(data, sort_keys=True)
    data["serialNumber"] = uuid.uuid5(_NAMESPACE, contents).urn
    return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()

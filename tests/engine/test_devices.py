from __future__ import annotations

from kit.engine.devices import DeviceKind, devices


def test_the_processor_is_a_device_with_memory() -> None:
    found = devices()
    assert [device.kind for device in found] == [DeviceKind.CPU]
    assert found[0].name == "CPU"
    assert found[0].description
    assert 0 < found[0].free <= found[0].total

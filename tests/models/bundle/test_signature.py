"""Signatures, made and checked by the real programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kit.errors import ModelError
from kit.models.bundle.island import BundleDamaged, BundleError, verify
from kit.models.bundle.signature import check_key, sign

from .support import minisign_key, program, resum, ssh_key

KINDS = pytest.mark.parametrize("made", [ssh_key, minisign_key])


@KINDS
def test_the_right_key_passes_and_any_other_is_damage(
    bundle: Path, tmp_path: Path, made: object
) -> None:
    assert callable(made)
    key, other = made(tmp_path), made(tmp_path, "other")
    check_key(key)
    sign(bundle, key)
    public = Path(f"{key}.pub")
    assert verify(bundle, key=public).signature == "checked"
    assert verify(bundle).signature == "unchecked"
    with pytest.raises(BundleDamaged, match="was not signed with"):
        verify(bundle, key=Path(f"{other}.pub"))
    with pytest.raises(BundleError, match="is a secret key"):
        verify(bundle, key=key)


@KINDS
def test_altered_sums_are_found_by_the_signature_alone(
    bundle: Path, tmp_path: Path, made: object
) -> None:
    assert callable(made)
    key = made(tmp_path)
    sign(bundle, key)
    (bundle / "workspace" / "evil").touch()
    signature = [*bundle.glob("SHA256SUMS.*")]
    kept = [path.read_bytes() for path in signature]
    for path in signature:
        path.unlink()
    resum(bundle)
    for path, data in zip(signature, kept, strict=True):
        path.write_bytes(data)
    verify(bundle)
    done = program(bundle, "verify", "--key", f"{key}.pub", cwd=tmp_path)
    assert done.returncode == 2
    assert "was not signed with" in done.stderr


def test_a_signature_for_something_else_does_not_count(bundle: Path, tmp_path: Path) -> None:
    key = ssh_key(tmp_path)
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "file", "-f", str(key)]
    subprocess.run([*command, str(bundle / "SHA256SUMS")], check=True, capture_output=True)
    with pytest.raises(BundleDamaged, match="was not signed with"):
        verify(bundle, key=Path(f"{key}.pub"))


def test_a_key_for_an_unsigned_bundle_is_damage(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleDamaged, match=r"holds no SHA256SUMS\.sig"):
        verify(bundle, key=Path(f"{ssh_key(tmp_path)}.pub"))


def test_what_is_not_checked_is_said(bundle: Path, tmp_path: Path) -> None:
    sign(bundle, ssh_key(tmp_path))
    done = program(bundle, "verify", cwd=tmp_path)
    assert done.returncode == 0
    assert "the signature was not checked" in done.stdout


def test_a_missing_program_is_named(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ssh_key(tmp_path)
    sign(bundle, key)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BundleError, match="ssh-keygen is not installed") as caught:
        verify(bundle, key=Path(f"{key}.pub"))
    assert caught.value.exit_code == 1
    with pytest.raises(ModelError, match="ssh-keygen is not installed"):
        sign(bundle, key)


def test_what_is_no_key_is_refused_before_anything(tmp_path: Path) -> None:
    key = ssh_key(tmp_path)
    with pytest.raises(ModelError, match="is no secret key"):
        check_key(Path(f"{key}.pub"))
    with pytest.raises(ModelError, match="No such file"):
        check_key(tmp_path / "none")
    (tmp_path / "text").write_text("nothing\n")
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "SHA256SUMS").write_bytes(b"")
    (bundle / "SHA256SUMS.sig").touch()
    with pytest.raises(BundleError, match="is no public key"):
        verify(bundle, key=tmp_path / "text")


def test_a_key_that_cannot_sign_leaves_no_signature(bundle: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nnone\n-----END OPENSSH PRIVATE KEY-----\n")
    key.chmod(0o600)
    with pytest.raises(ModelError, match="could not sign"):
        sign(bundle, key)
    assert not (bundle / "SHA256SUMS.sig").exists()

"""Sign a bundle's sums with a key of OpenSSH or minisign."""

from __future__ import annotations

import subprocess
from pathlib import Path

from kit.errors import ModelError
from kit.models.bundle.island import MINISIGN_SIGNATURE, NAMESPACE, SSH_SIGNATURE, SUMS

_MINISIGN = "untrusted comment: minisign"
_STDERR = 2


def check_key(key: Path) -> None:
    """Refuse what is no secret key, before hours of copying.

    Raises:
        ModelError: it is none, or cannot be read.
    """
    text = _text(key)
    secret = text.startswith(_MINISIGN) and "secret key" in text.partition("\n")[0]
    if not secret and "PRIVATE KEY-----" not in text:
        raise ModelError(
            "is no secret key of OpenSSH or minisign",
            where=key,
            hint="make one: ssh-keygen -t ed25519 -f FILE",
        )


def sign(bundle: Path, key: Path) -> Path:
    """Sign ``SHA256SUMS`` of ``bundle``; a program may ask for the key's password.

    Returns:
        The signature.

    Raises:
        ModelError: the program for this key is missing or fails.
    """
    sums = bundle / SUMS
    if _text(key).startswith(_MINISIGN):
        signature = bundle / MINISIGN_SIGNATURE
        command = ["minisign", "-S", "-s", str(key), "-m", str(sums), "-x", str(signature)]
        # The default comment holds the time and the name of the file.
        command += ["-t", "kit bundle"]
    else:
        signature = bundle / SSH_SIGNATURE
        command = ["ssh-keygen", "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key), str(sums)]
    signature.unlink(missing_ok=True)
    try:
        # What they say, a question for the password too, is no result of the kit's.
        done = subprocess.run(command, stdout=_STDERR, check=False)
    except FileNotFoundError as error:
        raise ModelError(
            f"{command[0]} is not installed, and the bundle cannot be signed with this key "
            "without it",
            where=key,
            hint=f"install {command[0]}, and start the same command again; it continues",
        ) from error
    if done.returncode != 0 or not signature.is_file():
        raise ModelError(
            f"{command[0]} could not sign (exit {done.returncode}); the reason is above", where=key
        )
    return signature


def _text(key: Path) -> str:
    try:
        return key.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=key) from error

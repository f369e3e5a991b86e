"""Vocabularies of some hundred tokens, of both kinds that the pinned models use.

Byte-pair vocabularies (``gpt2`` in GGUF) hold 256 bytes and merges of them; SentencePiece ones
(``llama``) hold characters, pieces with scores, and bytes for what is left. Any text can be
written in either, and the tags and a few common words in less than a token per character.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gguf import TokenType

Family = Literal["bpe", "spm"]
_TEXT = """
the and you that have with this they not but for are was will one all from our what rule
facility group resident safe stay help leave room talk today please said says never always
TALK: THOUGHT: WHISPER Noah Mara Speak Answer announces new
"""
_WORDS = _TEXT.split()
_SPACE = "\u2581"
_SHOWN = ("<think>", "</think>")
"""Markup that converters list among the words."""


class Vocabulary(NamedTuple):
    """Tokens as a GGUF file lists them."""

    tokens: tuple[str, ...]
    kinds: tuple[int, ...]
    scores: tuple[float, ...]
    """SentencePiece only."""
    merges: tuple[str, ...]
    """Byte pairs only."""

    def id(self, token: str) -> int:
        """The token's id."""
        return self.tokens.index(token)


def byte_pairs(specials: tuple[str, ...]) -> Vocabulary:
    """Bytes, merges and then the special tokens, as GPT-2 and its heirs have them."""
    letters = _byte_letters()
    tokens = [letters[byte] for byte in range(256)]
    known = set(tokens)
    merges = []
    for word in (*_WORDS, *(f" {word}" for word in _WORDS)):
        written = [letters[byte] for byte in word.encode()]
        for length in range(2, len(written) + 1):
            token = "".join(written[:length])
            if token not in known:
                known.add(token)
                tokens.append(token)
                merges.append(f"{token[:-1]} {token[-1]}")
    kinds = [TokenType.NORMAL] * len(tokens)
    kinds += [
        TokenType.USER_DEFINED if special in _SHOWN else TokenType.CONTROL for special in specials
    ]
    return Vocabulary((*tokens, *specials), tuple(map(int, kinds)), (), tuple(merges))


def sentence_pieces(specials: tuple[str, ...]) -> Vocabulary:
    """The special tokens, bytes, characters and pieces, as Llama 2 and Gemma have them."""
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    characters = [_SPACE, *(chr(code) for code in range(0x21, 0x7F)), *"éüñçがのはい人自由法安全"]
    pieces: list[str] = []
    for word in (*_WORDS, *(_SPACE + word for word in _WORDS)):
        for length in range(2, len(word) + 1):
            if word[:length] not in pieces:
                pieces.append(word[:length])
    kinds = [TokenType.UNKNOWN if special == "<unk>" else TokenType.CONTROL for special in specials]
    kinds += [TokenType.BYTE] * 256 + [TokenType.NORMAL] * (len(characters) + len(pieces))
    plain = len(specials) + 256
    scores = [0.0] * plain + [-1e3 - at for at in range(len(characters))]
    scores += [-float(at) for at in range(len(pieces))]
    tokens = (*specials, *bytes_, *characters, *pieces)
    return Vocabulary(tokens, tuple(map(int, kinds)), tuple(scores), ())


def _byte_letters() -> dict[int, str]:
    """A visible letter for every byte: itself where it has one, else one from U+0100 on."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {
        byte: chr(0x100 + at) for at, byte in enumerate(hidden)
    }

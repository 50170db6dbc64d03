"""Mutations of valid files: a few of them a file, and sometimes bytes that are no mutation of anything."""

import random

INTERESTING = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 1 << 20, (1 << 31) - 1]
INTERESTING += [1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]
WORDS = b"-1 0 1e999 nan 99999999999999999999 1e-400 \0 \" , ' ( [ { } L True None |O <U9 ../".split(b" ")
WORDS += [b"\n", b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"\x1f\x8b\x08", b"\x93NUMPY"]
WORDS += [b"\xff\xfe", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80"]


def mutate(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """`content` with one to five changes, or something else altogether."""
    if rng.random() < 0.02:
        return rng.randbytes(rng.randrange(200))
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        rng.choice(CHANGES)(data, others, rng)
    return bytes(data)


def _place(data, rng, width=1):
    return rng.randrange(max(len(data) - width + 1, 1))


def _slice(data, rng):
    start = _place(data, rng)
    return start, start + rng.choice((1, 2, 4, 8, 16, rng.randrange(1, 300)))


def _flip(data, others, rng):
    if data:
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _byte(data, others, rng):
    if data:
        data[_place(data, rng)] = rng.randrange(256)


def _run(data, others, rng):
    start, end = _slice(data, rng)
    data[start:end] = bytes([rng.randrange(256)]) * (min(end, len(data)) - start)


def _truncate(data, others, rng):
    del data[_place(data, rng) :]


def _delete(data, others, rng):
    start, end = _slice(data, rng)
    del data[start:end]


def _duplicate(data, others, rng):
    start, end = _slice(data, rng)
    data[start:start] = data[start:end] * rng.choice((1, 1, 2, 50))


def _move(data, others, rng):
    start, end = _slice(data, rng)
    part = data[start:end]
    place = _place(data, rng)
    data[place:place] = part


def _splice(data, others, rng):
    other = rng.choice(others)
    start, end = _slice(other, rng)
    place = _place(data, rng)
    data[place : place + (end - start) * rng.randrange(2)] = other[start:end]


def _number(data, others, rng):
    width = rng.choice((1, 2, 4, 8))
    place = _place(data, rng, width)
    number = rng.choice(INTERESTING) + rng.choice((0, 0, -1, 1))
    number = rng.choice((number, len(data), len(data) - place))
    data[place : place + width] = (number % (1 << 8 * width)).to_bytes(width, rng.choice(("little", "big")))


def _word(data, others, rng):
    place = _place(data, rng)
    word = rng.choice(WORDS)
    data[place : place + len(word) * rng.randrange(2)] = word


CHANGES = (_flip, _byte, _run, _truncate, _delete, _duplicate, _move, _splice, _number, _word)

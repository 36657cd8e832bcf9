"""Seeds from keys: every random stream of gancore starts from one."""

import hashlib


def seed_of(*key: int | str) -> int:
    """A 63-bit seed from a key, the same on every machine and Python version."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1

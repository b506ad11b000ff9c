"""Answers sealed: under a code that only their sender holds, or to the server's public key.

The first is for answers on their way to another device: who reads the tables cannot read them.  The second is for a
device without a network, on which others may look: who holds the device cannot read them.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NONCE = 12
POINT = 65
"""Bytes of an uncompressed point of the curve P-256."""
_ORDER = int("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16)


class Unsealable(ValueError):
    """What came was not sealed for us, or was changed since."""


def _derive(secret: bytes, purpose: str, length: int = 32) -> bytes:
    return HKDF(hashes.SHA256(), length, None, f"fivegaps:{purpose}".encode()).derive(secret)


def seal(secret: str, data: bytes) -> bytes:
    """Seal data under a secret of at least 80 random bits.

    Parameters
    ----------
    secret : str
        A resume code, tidied.
    data : bytes

    Returns
    -------
    bytes
        Nonce and AES-256-GCM text; `unseal` opens it.
    """
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(_derive(secret.encode(), "parked")).encrypt(nonce, data, None)


def unseal(secret: str, sealed: bytes) -> bytes:
    """What `seal` sealed under the same secret.

    Raises
    ------
    Unsealable
        Under any other secret, and when a bit was changed.
    """
    try:
        return AESGCM(_derive(secret.encode(), "parked")).decrypt(sealed[:NONCE], sealed[NONCE:], None)
    except (InvalidTag, ValueError) as error:
        raise Unsealable("the sealed answers cannot be opened") from error


def private_key(master: bytes) -> ec.EllipticCurvePrivateKey:
    """The server's key for answers from devices, on P-256, which browsers know.

    Parameters
    ----------
    master : bytes
        The operator's key: the same in all processes, and after a restart.
    """
    # 64 bits more than the curve's order, so that the remainder is as good as even (FIPS 186-5, A.2.1).
    number = int.from_bytes(_derive(master, "device", 40), "big") % (_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half as a device gets it: an uncompressed point of 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _shared(secret: bytes, sender: bytes, receiver: bytes) -> bytes:
    """The key of one message; both public halves are bound to it."""
    return HKDF(hashes.SHA256(), 32, sender + receiver, b"fivegaps:device").derive(secret)


def seal_for(public: bytes, data: bytes) -> bytes:
    """Seal data to a public point, as a device does (`static/offline.js`): for tests and other programs.

    Returns
    -------
    bytes
        The sender's one-time point, nonce, and AES-256-GCM text.
    """
    own = ec.generate_private_key(ec.SECP256R1())
    secret = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public))
    point, nonce = public_point(own), secrets.token_bytes(NONCE)
    return point + nonce + AESGCM(_shared(secret, point, public)).encrypt(nonce, data, None)


def unseal_from(key: ec.EllipticCurvePrivateKey, sealed: bytes) -> bytes:
    """What a device sealed to the key's public half.

    Raises
    ------
    Unsealable
        When it was sealed to another key, was changed, or is no such message at all.
    """
    point, nonce, text = sealed[:POINT], sealed[POINT : POINT + NONCE], sealed[POINT + NONCE :]
    try:
        sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        secret = key.exchange(ec.ECDH(), sender)
        return AESGCM(_shared(secret, point, public_point(key))).decrypt(nonce, text, None)
    except (InvalidTag, ValueError) as error:
        raise Unsealable("the sealed answers cannot be opened") from error

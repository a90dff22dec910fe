"""Verifies webhooks signed with Ed25519 by the Standard Webhooks specification. Needs `cryptography` from PyPI."""

import base64
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE = 300  # seconds that a message may be older or newer than now


def verify(public_keys, headers, body, now=None):
    """The message's id, when `body` (the bytes as they came) is signed by the owner of one of `public_keys`; else a
    ValueError.

    Names in `headers` are in lower case. Give both keys while one takes the place of another.
    """
    try:
        message_id = headers["webhook-id"]
        timestamp = headers["webhook-timestamp"]
        signatures = headers["webhook-signature"].split(" ")
        age = (time.time() if now is None else now) - int(timestamp)
    except (KeyError, ValueError):
        raise ValueError("the request is not signed") from None
    if abs(age) > TOLERANCE:
        raise ValueError("the message is too old or too new")
    content = f"{message_id}.{timestamp}.".encode() + body
    asymmetric = [base64.b64decode(one.removeprefix("v1a,")) for one in signatures if one.startswith("v1a,")]
    for public_key in public_keys:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
        for signature in asymmetric:
            try:
                key.verify(signature, content)
                return message_id
            except InvalidSignature:
                pass
    raise ValueError("no signature is valid")

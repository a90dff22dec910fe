"""Verifies webhooks signed by the Standard Webhooks specification. Needs the standard library only."""

import base64
import hashlib
import hmac
import time

TOLERANCE = 300  # seconds that a message may be older or newer than now


def verify(secrets, headers, body, now=None):
    """The message's id, when `body` (the bytes as they came) is signed with one of `secrets`; else a ValueError.

    Names in `headers` are in lower case. Give both secrets while one takes the place of another.
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
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, content, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        if any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures):
            return message_id
    raise ValueError("no signature is valid")

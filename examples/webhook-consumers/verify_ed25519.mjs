// Verifies webhooks signed with Ed25519 by the Standard Webhooks specification. Needs Node alone.

import { createPublicKey, verify as verifies } from "node:crypto";

const TOLERANCE = 300; // seconds that a message may be older or newer than now

/**
 * The message's id, when `body` (the bytes as they came) is signed by the owner of one of `publicKeys`; else an error.
 *
 * Names in `headers` are in lower case. Give both keys while one takes the place of another.
 */
export function verify(publicKeys, headers, body, now = Date.now() / 1000) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"]?.split(" ");
  if (!id || !/^\d+$/.test(timestamp ?? "") || !signatures) throw new Error("the request is not signed");
  if (Math.abs(now - Number(timestamp)) > TOLERANCE) throw new Error("the message is too old or too new");
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const asymmetric = signatures.filter((one) => one.startsWith("v1a,")).map((one) => Buffer.from(one.slice(4), "base64"));
  for (const publicKey of publicKeys) {
    const x = Buffer.from(publicKey.replace(/^whpk_/, ""), "base64").toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    if (asymmetric.some((signature) => verifies(null, content, key, signature))) return id;
  }
  throw new Error("no signature is valid");
}

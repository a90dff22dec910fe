// Verifies webhooks signed by the Standard Webhooks specification. Needs Node alone.

import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE = 300; // seconds that a message may be older or newer than now

/**
 * The message's id, when `body` (the bytes as they came) is signed with one of `secrets`; else an error.
 *
 * Names in `headers` are in lower case. Give both secrets while one takes the place of another.
 */
export function verify(secrets, headers, body, now = Date.now() / 1000) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  const signatures = headers["webhook-signature"]?.split(" ");
  if (!id || !/^\d+$/.test(timestamp ?? "") || !signatures) throw new Error("the request is not signed");
  if (Math.abs(now - Number(timestamp)) > TOLERANCE) throw new Error("the message is too old or too new");
  for (const secret of secrets) {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
    const expected = Buffer.from(`v1,${digest}`);
    const matches = (one) => one.length === expected.length && timingSafeEqual(one, expected);
    if (signatures.some((one) => matches(Buffer.from(one)))) return id;
  }
  throw new Error("no signature is valid");
}

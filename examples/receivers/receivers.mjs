// A mail server (STARTTLS, AUTH) and a webhook consumer that checks signatures, with a page that shows both.
//
//   node receivers.mjs --folder DIR [--http PORT] [--smtp PORT]
//
// Port 0 chooses a free one. What came up is written to DIR/receivers.json; the certificate of the mail server
// to DIR/ca.pem. The webhook's signing secret and the mail password are made once and kept in receivers.json.
// It listens on the loopback address only and keeps everything in memory.

import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { simpleParser } from "mailparser";
import selfsigned from "selfsigned";
import { SMTPServer } from "smtp-server";
import { Webhook } from "standardwebhooks";

const { values } = parseArgs({
  options: {
    folder: { type: "string" },
    http: { type: "string", default: "0" },
    smtp: { type: "string", default: "0" },
  },
});
if (!values.folder) {
  console.error("usage: node receivers.mjs --folder DIR [--http PORT] [--smtp PORT]");
  process.exit(2);
}
mkdirSync(values.folder, { recursive: true, mode: 0o700 });
const infoPath = join(values.folder, "receivers.json");
const before = existsSync(infoPath) ? JSON.parse(readFileSync(infoPath, "utf8")) : {};
const user = "hub";
const password = before.password ?? randomBytes(18).toString("base64url");
const signingSecret = before.signingSecret ?? `whsec_${randomBytes(32).toString("base64")}`;

const LIMIT = 1 << 20; // bytes of one request
const KEPT = 500; // entries of each kind
const mails = [];
const hooks = [];
const keep = (list, entry) => {
  list.unshift(entry);
  list.length = Math.min(list.length, KEPT);
};

// The mail server.
const pem = await selfsigned.generate([{ name: "commonName", value: "localhost" }], {
  algorithm: "sha256",
  keySize: 2048,
  extensions: [
    { name: "basicConstraints", cA: false },
    { name: "extKeyUsage", serverAuth: true },
    {
      name: "subjectAltName",
      altNames: [
        { type: 2, value: "localhost" },
        { type: 7, ip: "127.0.0.1" },
      ],
    },
  ],
});
writeFileSync(join(values.folder, "ca.pem"), pem.cert);
const smtp = new SMTPServer({
  name: "localhost",
  key: pem.private,
  cert: pem.cert,
  authMethods: ["PLAIN", "LOGIN"],
  disableReverseLookup: true,
  size: LIMIT,
  onAuth(auth, _session, done) {
    const right = auth.username === user && auth.password === password;
    done(right ? null : new Error("wrong user or password"), right ? { user } : undefined);
  },
  async onData(stream, session, done) {
    try {
      const mail = await simpleParser(stream);
      keep(mails, {
        time: new Date().toISOString(),
        from: mail.from?.text,
        to: session.envelope.rcptTo.map((r) => r.address),
        subject: mail.subject,
        messageId: mail.messageId,
        text: mail.text,
        html: mail.html || null,
        secure: session.secure,
        user: session.user,
      });
      done();
    } catch (error) {
      done(error);
    }
  },
});
await new Promise((resolve) => smtp.listen(Number(values.smtp), "127.0.0.1", resolve));

// The webhook consumer and the page.
const escape = (text) =>
  String(text ?? "").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function page() {
  const mailRows = mails.map(
    (m, n) => `<details><summary><b>${escape(m.subject)}</b> <small>${escape(m.time)} to ${escape(m.to)}</small></summary>
      <iframe sandbox loading="lazy" src="/mail/${n}"></iframe><pre>${escape(m.text)}</pre></details>`,
  );
  const hookRows = hooks.map(
    (h) => `<details><summary><b>${escape(h.body?.type)}</b> ${escape(h.body?.data?.title)}
      <small>${escape(h.time)} ${h.verified ? "signature valid" : `REFUSED: ${escape(h.error)}`}</small></summary>
      <pre>${escape(JSON.stringify(h, null, 2))}</pre></details>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>What the hub sent</title>
    <meta name="viewport" content="width=device-width"><style>
    body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
    details{border:1px solid #8888;border-radius:6px;padding:.5rem 1rem;margin:.5rem 0}
    pre{overflow:auto;background:#8881;padding:1rem}iframe{width:100%;height:28rem;border:0;background:#fff}
    small{opacity:.7}</style><h1>What the hub sent</h1><p>Newest first. Reload to see more.</p>
    <h2>Mail (${mails.length})</h2>${mailRows.join("") || "<p>None yet.</p>"}
    <h2>Webhooks (${hooks.length})</h2>${hookRows.join("") || "<p>None yet.</p>"}</html>`;
}

async function body(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LIMIT) throw new Error("too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

const seen = new Set(); // webhook-ids: a message may come more than once, its effect must not
const answer = (response, status, type, text) => {
  response.writeHead(status, { "content-type": type });
  response.end(text);
};
const http = createServer(async (request, response) => {
  try {
    const { pathname } = new URL(request.url, "http://localhost");
    if (request.method === "POST" && pathname === "/hook") {
      const raw = await body(request);
      const id = request.headers["webhook-id"];
      const entry = { time: new Date().toISOString(), id, verified: false, repeated: seen.has(id), error: null };
      try {
        entry.body = new Webhook(signingSecret).verify(raw, request.headers);
        entry.verified = true;
        seen.add(id);
      } catch (error) {
        entry.error = error.message;
      }
      keep(hooks, entry);
      return answer(response, entry.verified ? 204 : 401, "text/plain", "");
    }
    const mail = /^\/mail\/(\d+)$/.exec(pathname);
    if (mail) {
      const found = mails[Number(mail[1])];
      return answer(response, found ? 200 : 404, "text/html; charset=utf-8", found?.html ?? "");
    }
    if (pathname === "/received.json") {
      return answer(response, 200, "application/json", JSON.stringify({ mails, hooks }));
    }
    if (pathname === "/") return answer(response, 200, "text/html; charset=utf-8", page());
    return answer(response, 404, "text/plain", "not found\n");
  } catch (error) {
    return answer(response, 400, "text/plain", `${error.message}\n`);
  }
});
await new Promise((resolve) => http.listen(Number(values.http), "127.0.0.1", resolve));

const info = {
  pid: process.pid,
  http: `http://127.0.0.1:${http.address().port}`,
  smtp: { host: "localhost", port: smtp.server.address().port },
  user,
  password,
  signingSecret,
  ca: join(values.folder, "ca.pem"),
};
writeFileSync(`${infoPath}.new`, JSON.stringify(info, null, 2), { mode: 0o600 });
renameSync(`${infoPath}.new`, infoPath);
console.log(`receivers: page ${info.http}, mail on port ${info.smtp.port}`);

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    http.close();
    smtp.close(() => process.exit(0));
    http.closeAllConnections();
  });
}

// A real SMTP server for tests (npm smtp-server), with and without TLS and a log-in, and its own
// authority: a certificate made by openssl for this run.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";
import { temporaryFolder } from "./support.mjs";

export const USER = "robot";
export const SECRET = "hunter2 äöü %&";

/** An authority, and a key with a certificate of it for this machine's loopback. */
export const certificates = () => {
  const folder = temporaryFolder();
  const openssl = (...words) =>
    execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
  const key = ["-newkey", "rsa:2048", "-nodes", "-days", "2"];
  openssl(
    ...["req", "-x509", ...key, "-subj", "/CN=Test authority"],
    ...["-keyout", "ca.key", "-out", "ca.pem"],
  );
  openssl(
    ...["req", "-x509", ...key, "-CA", "ca.pem", "-CAkey", "ca.key"],
    ...["-subj", "/CN=localhost", "-addext", "basicConstraints=CA:FALSE"],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ...["-keyout", "server.key", "-out", "server.pem"],
  );
  const read = (name) => readFileSync(join(folder, name));
  return {
    ca: join(folder, "ca.pem"),
    key: read("server.key"),
    cert: read("server.pem"),
  };
};

/** An SMTP server on a free port; `tls` is "none", "starttls" or "tls". */
export class Smtp {
  static async start({ tls = "none", login = false, certificate } = {}) {
    const smtp = new Smtp();
    smtp.mails = [];
    smtp.waiting = [];
    /** Answered to every mail in the place of 250, when it is set. */
    smtp.refusal = undefined;
    smtp.server = new SMTPServer({
      key: certificate?.key,
      cert: certificate?.cert,
      secure: tls == "tls",
      disabledCommands: [
        ...(tls == "starttls" ? [] : ["STARTTLS"]),
        ...(login ? [] : ["AUTH"]),
      ],
      authOptional: !login,
      allowInsecureAuth: tls == "none",
      disableReverseLookup: true,
      logger: false,
      onAuth: ({ username, password }, _session, done) => {
        const isRight = username == USER && password == SECRET;
        done(
          isRight ? null : new Error("Invalid username or password"),
          isRight ? { user: username } : undefined,
        );
      },
      onRcptTo: ({ address }, _session, done) => {
        const refused = Object.assign(
          new Error(`<${address}>: no such mailbox here`),
          { responseCode: 550 },
        );
        done(address.startsWith("nobody@") ? refused : null);
      },
      onData: (stream, session, done) => {
        const parts = [];
        stream.on("data", (part) => parts.push(part));
        stream.on("end", async () => {
          if (smtp.refusal) return done(smtp.refusal);
          const raw = Buffer.concat(parts);
          const mail = await PostalMime.parse(raw);
          mail.raw = raw.toString("latin1");
          mail.secure = session.secure;
          mail.user = session.user;
          mail.envelope = session.envelope;
          smtp.mails.push(mail);
          for (const look of smtp.waiting.splice(0)) look();
          done();
        });
      },
    });
    smtp.server.on("error", () => {}); // A client that hangs up is its own affair.
    await new Promise((resolve) => smtp.server.listen(0, "127.0.0.1", resolve));
    smtp.port = smtp.server.server.address().port;
    return smtp;
  }

  /** The next mail that nobody has taken yet. */
  async next(timeoutMs = 15_000) {
    const deadline = performance.now() + timeoutMs;
    while (this.mails.length == 0) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`no mail within ${timeoutMs} ms`);
      await new Promise((resolve) => {
        this.waiting.push(resolve);
        setTimeout(resolve, leftMs);
      });
    }
    return this.mails.shift();
  }

  stop() {
    return new Promise((resolve) => this.server.close(resolve));
  }
}

/** A header of a mail. */
export const headerOf = (mail, name) =>
  mail.headers.find(({ key }) => key == name.toLowerCase())?.value;

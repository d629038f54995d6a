// A client of the Minqing sync protocol on Node's standard library alone, written from PROTOCOL.md.
import crypto from "node:crypto";
import fs from "node:fs";
import zlib from "node:zlib";
import { pathToFileURL } from "node:url";

const MASK = (1n << 128n) - 1n;
const SCHEMA = 1; // the schema version whose tables this client knows; every column in it came with version 1

// ---- section 5: canonical JSON -------------------------------------------------------------------------------------------------

export function canonical(v) {
  if (Array.isArray(v)) return "[" + v.map(canonical).join(",") + "]";
  if (v !== null && typeof v === "object") {
    const keys = Object.keys(v).filter((k) => v[k] !== undefined).sort();
    return "{" + keys.map((k) => JSON.stringify(k) + ":" + canonical(v[k])).join(",") + "}";
  }
  return JSON.stringify(v);
}

// ---- section 11: digests --------------------------------------------------------------------------------------------------------

const sha256 = (text) => crypto.createHash("sha256").update(text).digest();
const hash = (...parts) => BigInt("0x" + sha256(parts.join("\0")).subarray(0, 16).toString("hex"));
export const wire = (digest) => "s:" + (digest & MASK).toString(16).padStart(32, "0");

// Sets are compared and hashed in ascending order by bytes, which is not the order of JavaScript's UTF-16.
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const settled = (v) => (Array.isArray(v) ? [...v].sort(byBytes) : v);

export const cellDigest = (table, id, column, value) => (value === null ? 0n : hash(table, id, column, canonical(settled(value))));

// bucketStates gives [scope, period, rows, digests] for the rows of a replica.
export function bucketStates(rows) {
  const states = new Map();
  for (const r of rows) {
    const key = r.scope + "\0" + r.period;
    const s = states.get(key) ?? { scope: r.scope, period: r.period, rows: 0, sum: 0n };
    s.rows++;
    for (const [column, value] of Object.entries(r.values)) s.sum += cellDigest(r.table, r.id, column, value);
    states.set(key, s);
  }
  return [...states.values()].map((s) => [s.scope, s.period, s.rows, (s.sum & MASK) === 0n ? [] : [wire(s.sum)]]);
}

export const bucketDigest = ([scope, period, rows, digests]) => (rows === 0 ? 0n : hash(scope, period, String(rows), ...digests));
export const rootDigest = (states) => wire(states.reduce((sum, s) => sum + bucketDigest(s), 0n));
export const heldDigest = (buckets) => wire(buckets.reduce((sum, [scope, period]) => sum + hash(scope, period), 0n));

// ---- section 7: identity --------------------------------------------------------------------------------------------------------

export const identity = (device, number, content) =>
  sha256(`[${JSON.stringify(device)},${number},${canonical(content)}]`).subarray(0, 16).toString("hex");

// ---- section 4: keys and signatures -----------------------------------------------------------------------------------------------

const b64 = (buffer) => Buffer.from(buffer).toString("base64url");
const hex256 = (data) => crypto.createHash("sha256").update(data).digest("hex");

export function keyFromSeed(seed) {
  // PKCS#8 of an Ed25519 seed (RFC 8410): a fixed prefix and the 32 bytes.
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

export const publicText = (key) => crypto.createPublicKey(key).export({ format: "jwk" }).x;
export const sign = (key, lines) => b64(crypto.sign(null, Buffer.from(lines.join("\n")), key));
export const requestLines = (method, path, token, body) => ["minqing request 1", method, path, hex256(token), hex256(body)];

class Problem extends Error {
  constructor(p) {
    super(`${p.code}: ${p.title ?? p.message}`);
    this.code = p.code;
  }
}

export class Client {
  constructor(file) {
    this.file = file;
    this.state = fs.existsSync(file)
      ? JSON.parse(fs.readFileSync(file, "utf8"))
      : { next: 1, rows: {}, held: [], changes: [], heads: {}, offset: 0 };
  }

  save() {
    fs.writeFileSync(this.file, JSON.stringify(this.state));
  }

  get key() {
    return keyFromSeed(Buffer.from(this.state.seed, "base64url"));
  }

  async post(path, value) {
    const answer = await fetch(this.state.server + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value) });
    const body = await answer.json().catch(() => ({ code: "unavailable", title: "no JSON" }));
    if (!answer.ok) throw new Problem(body);
    this.state.offset = body.now - Date.now();
    return body;
  }

  async enrol(server, code) {
    this.state.server = server.replace(/\/$/, "");
    this.state.seed = b64(crypto.randomBytes(32));
    const key = publicText(this.key);
    const proof = sign(this.key, ["minqing enrol 1", code, key]);
    const { device, user, name } = await this.post("/v1/enrol", { code, key, alg: "ed25519", proof, label: "stranger", client: "testkit" });
    Object.assign(this.state, { device, user, name });
    this.save();
  }

  async token() {
    const device = this.state.device;
    const { challenge } = await this.post("/v1/challenge", { device });
    const signature = sign(this.key, ["minqing challenge 1", device, challenge]);
    return (await this.post("/v1/token", { device, challenge, signature, client: "testkit" })).token;
  }

  // shown is a row as the user sees it: acknowledged, with the own changes over it (section 10.5).
  shown(table, id) {
    const row = this.state.rows[id];
    const values = { ...(row?.values ?? {}) };
    const over = [];
    for (const c of this.state.changes.filter((c) => this.laidOver(c, id))) {
      for (const e of c.content.edits.filter((e) => e.row === id)) {
        over.push(c.identity);
        for (const [cell, edit] of Object.entries(e.cells ?? {})) values[cell] = apply(values[cell] ?? null, edit);
      }
    }
    return { table, id, values, base: { epoch: row?.epoch ?? "", rev: row?.rev ?? 0, over, open: row?.open } };
  }

  laidOver(change, id) {
    const v = change.verdict;
    if (!v) return true;
    if (v.status === "refused") return false;
    const label = (v.labels ?? []).find(([row]) => row === id);
    if (!label) return false; // the answer that brought the verdict has closed with a checkpoint
    const row = this.state.rows[id];
    return !row || (row.epoch === label[1] && row.rev < label[2]);
  }

  edit(table, id, cells) {
    const { base } = this.shown(table, id);
    const edit = { op: "update", table, row: id, cells, base: prune(base) };
    this.record([edit]);
  }

  record(edits) {
    const content = { at: Date.now(), edits };
    if (this.state.offset) content.offset = Math.round(this.state.offset);
    if (this.state.cursor) content.cursor = this.state.cursor;
    const number = this.state.next++;
    this.state.changes.push({ number, content, identity: identity(this.state.device, number, content) });
    this.save();
  }

  async sync() {
    let answer = await this.exchange(false);
    if (answer.failure?.code === "held") answer = await this.exchange(true);
    if (answer.failure) throw new Problem(answer.failure);
    this.save();
    return answer;
  }

  async exchange(withHeld) {
    const s = this.state;
    const hello = { protocol: 1, schema: SCHEMA, next: s.next, client: "testkit" };
    if (s.cursor) Object.assign(hello, { cursor: s.cursor, root: rootDigest(bucketStates(Object.values(s.rows))) });
    const heads = Object.values(s.heads);
    if (heads.length) hello.heads = heads;
    const lines = [{ hello }];
    if (withHeld) lines.push({ held: s.held });
    for (const c of s.changes.filter((c) => !c.verdict)) lines.push({ change: { number: c.number, content: c.content } });
    lines.push({ end: { frames: lines.length } });
    const body = zlib.gzipSync(lines.map((l) => JSON.stringify(l) + "\n").join(""));

    const token = await this.token();
    const answer = await fetch(s.server + "/v1/sync", {
      method: "POST",
      body,
      headers: {
        "content-type": "application/x-ndjson",
        "content-encoding": "gzip",
        "accept-encoding": "gzip",
        authorization: "Bearer " + token,
        "minqing-signature": "ed25519 " + sign(this.key, requestLines("POST", "/v1/sync", token, body)),
      },
    });
    const text = await answer.text(); // fetch undoes the gzip of the answer
    if (!answer.ok) throw new Problem(JSON.parse(text));
    return new Answer(this, text).take();
  }
}

// apply is the value of a cell after an edit of it, for the forms of section 7.
function apply(old, edit) {
  if (edit === null || typeof edit !== "object" || Array.isArray(edit)) return edit;
  if ("delta" in edit) return (old ?? 0) + edit.delta;
  const set = new Set(old ?? []);
  for (const e of edit.del ?? []) set.delete(e);
  for (const e of edit.add ?? []) set.add(e);
  return set.size ? [...set].sort(byBytes) : null;
}

function prune(base) {
  const out = { ...base };
  if (!out.over?.length) delete out.over;
  if (!out.open) delete out.open;
  if (!out.epoch) delete out.epoch;
  if (!out.rev) delete out.rev;
  return out;
}

// Answer takes the frames of one answer (sections 8 and 10).
class Answer {
  constructor(client, text) {
    this.client = client;
    this.frames = text.split("\n").filter((l) => l !== "").map((l) => JSON.parse(l));
    this.columns = {};
    this.staged = [];
    this.verdicts = [];
    this.states = [];
    this.heads = {};
  }

  take() {
    const last = this.frames.at(-1);
    if (last.failure) this.failure = last.failure;
    else if (last.end?.frames !== this.frames.length - 1) throw new Problem({ code: "unavailable", title: "the answer broke off" });
    for (const f of this.frames) {
      if (Array.isArray(f)) this.staged.push({ row: this.row(f) }); // first: arrays have a method named at
      else if (f.welcome) this.welcome = f.welcome;
      else if (f.head) this.client.state.heads[f.head.epoch] = f.head.seal;
      else if (f.verdict) this.verdict(f.verdict);
      else if (f.columns) this.columns[f.columns.table] = f.columns.names;
      else if (f.bucket || f.at) {
        this.at = f.bucket ?? f.at;
        if (f.bucket) this.staged.push(f);
      } else if (f.states) this.states.push(...f.states);
      else if (f.checkpoint) this.checkpoint(f.checkpoint);
      else if (f.gone || f.forget) this.staged.push(f);
    }
    return this;
  }

  verdict(v) {
    const change = this.client.state.changes.find((c) => c.identity === v.identity);
    if (!change) return;
    change.verdict = v;
    this.verdicts.push(v);
  }

  row([table, id, rev, values, more]) {
    const names = this.columns[table];
    return {
      table, id, rev, epoch: more?.epoch ?? this.welcome.epoch, open: more?.open, scope: this.at.scope, period: this.at.period,
      values: Object.fromEntries(names.map((name, i) => [name, values[i]])),
    };
  }

  checkpoint(point) {
    if (!point.cursor) return; // nothing is new
    const s = this.client.state;
    const rows = { ...s.rows };
    const drop = (which) => {
      for (const id of Object.keys(rows)) if (which(rows[id])) delete rows[id];
    };
    const holds = new Map(s.held.map((b) => [b.join("\0"), b]));
    for (const f of this.staged) {
      if (f.bucket) {
        if (!f.bucket.continues) drop((r) => r.scope === f.bucket.scope && r.period === f.bucket.period);
        holds.set(f.bucket.scope + "\0" + f.bucket.period, [f.bucket.scope, f.bucket.period]);
      } else if (f.row) rows[f.row.id] = f.row;
      else if (f.gone) delete rows[f.gone.id];
      else {
        const gone = (scope, period) => scope === f.forget.scope && (!f.forget.period || period === f.forget.period);
        drop((r) => gone(r.scope, r.period));
        for (const [key, [scope, period]] of holds) if (gone(scope, period)) holds.delete(key);
      }
    }
    this.staged = [];
    this.compare(rows, [...this.states, ...(point.buckets ?? [])], point.root);
    this.states = [];
    Object.assign(s, { rows, held: [...holds.values()], cursor: point.cursor, heads: {} });
  }

  // compare holds the rows to what the server says of them, bucket by bucket and as a whole.
  compare(rows, states, root) {
    const mine = bucketStates(Object.values(rows));
    for (const [scope, period, count, digests = []] of states) {
      const own = mine.find((m) => m[0] === scope && m[1] === period) ?? [scope, period, 0, []];
      if (canonical(own) !== canonical([scope, period, count, digests])) throw new Error(`bucket ${scope} ${period} differs: ${canonical(own)}, the server says ${canonical([scope, period, count, digests])}`);
    }
    const own = rootDigest(mine);
    if (own !== root) throw new Error(`root differs: ${own}, the server says ${root}`);
  }
}

// ---- command line -----------------------------------------------------------------------------------------------------------------

async function main([file, command, ...args]) {
  const client = new Client(file);
  switch (command) {
    case "enrol":
      await client.enrol(args[0], args[1]);
      return { device: client.state.device, name: client.state.name };
    case "sync": {
      const answer = await client.sync();
      return { verdicts: answer.verdicts, rows: Object.keys(client.state.rows).length, buckets: client.state.held.length, root: rootDigest(bucketStates(Object.values(client.state.rows))) };
    }
    case "edit": {
      const cells = Object.fromEntries(args.slice(2).map((a) => [a.slice(0, a.indexOf("=")), JSON.parse(a.slice(a.indexOf("=") + 1))]));
      client.edit(args[0], args[1], cells);
      return { number: client.state.next - 1 };
    }
    case "show":
      return client.shown(args[0], args[1]);
    case "rows":
      return Object.values(client.state.rows);
    default:
      throw new Error(`unknown command ${command}; see README.md`);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv.slice(2)).then(
    (out) => console.log(JSON.stringify(out)),
    (err) => {
      console.error(err.message);
      process.exitCode = 1;
    },
  );
}

// Holds client.mjs to the test vectors of ../testdata. Exits with 1 and says which case differs.
import fs from "node:fs";
import { canonical, cellDigest, heldDigest, identity, keyFromSeed, publicText, requestLines, rootDigest, sign, wire } from "./client.mjs";

// cases reads a vector file: cases parted by empty lines, lines “name: value”, names that repeat are lists, # begins a comment.
function cases(name) {
  const text = fs.readFileSync(new URL(`../testdata/${name}`, import.meta.url), "utf8");
  const out = [];
  for (const block of text.split(/\n\n+/)) {
    const c = {};
    for (const line of block.split("\n").filter((l) => l !== "" && !l.startsWith("#"))) {
      const at = line.indexOf(":");
      const [key, value] = [line.slice(0, at), line.slice(at + 1).replace(/^ /, "")];
      (c[key] ??= []).push(value);
    }
    if (Object.keys(c).length) out.push(c);
  }
  return out;
}

let checked = 0;
function want(what, got, wanted) {
  checked++;
  if (got !== wanted) {
    console.error(`${what}: got ${got}, want ${wanted}`);
    process.exitCode = 1;
  }
}

// Numbers keep the form they were written in, which JSON.parse forgets; cases with fractions are for those with a parser of their own.
const whole = (text) => !/[0-9][.eE]/.test(text);

for (const c of cases("canonical.txt")) {
  if (c.out && whole(c.out[0])) want("canonical", canonical(JSON.parse(c.in[0])), c.out[0]);
}
for (const c of cases("identity.txt").filter((c) => whole(c.canonical[0]))) {
  const content = JSON.parse(c.content[0]);
  want("canonical content", canonical(content), c.canonical[0]);
  want("identity", identity(c.device[0], c.number[0], content), c.identity[0]);
}
for (const c of cases("cells.txt")) {
  if (c.value) want("cell", wire(cellDigest(c.table[0], c.id[0], c.column[0], JSON.parse(c.value[0]))), c.digest[0]);
}
for (const c of cases("buckets.txt")) {
  const states = (c.bucket ?? []).map((b) => {
    const [scope, period, rows, ...digests] = b.split(" ");
    return [scope, period, Number(rows), digests];
  });
  want("held", heldDigest(states), c.held[0]);
  want("root", rootDigest(states), c.root[0]);
}
for (const c of cases("signatures.txt")) {
  if (!c.seed) continue;
  const key = keyFromSeed(Buffer.from(c.seed[0], "hex"));
  if (c.key) want("public key", publicText(key), c.key[0]);
  const text = JSON.parse(c.text[0]);
  want(`signature of ${c.kind[0]}`, sign(key, text.split("\n")), c.signature[0].replace(/^ed25519 /, ""));
  if (c.kind[0] === "request" && c.body && c.token) {
    want("request text", requestLines(c.method[0], c.path[0], c.token[0], Buffer.from(c.body[0])).join("\n"), text);
  }
}
if (checked < 20) {
  console.error(`only ${checked} vectors were found`);
  process.exitCode = 1;
}
console.log(`${checked} vectors checked`);

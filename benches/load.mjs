// Sends signed deliveries and measures; see benches/load.
import { createHmac, randomUUID } from "node:crypto";
import { execFileSync } from "node:child_process";
import net from "node:net";
import fs from "node:fs";

const args = process.argv.slice(2);
const option = (name, otherwise) => (args.includes(`--${name}`) ? args[args.indexOf(`--${name}`) + 1] : otherwise);

if (args[0] === "--compare") {
  const [ours, theirs] = args.slice(1, 3).map((file) => JSON.parse(fs.readFileSync(file, "utf8")));
  const ratio = (key) => (ours[key] / theirs[key]).toFixed(2);
  console.log(
    `  ${String(ours.connections).padStart(2)} connections: ${ratio("cpu")} x its CPU, ${ratio("rate")} x its rate, p50 ${ratio("p50")} x, p99 ${ratio("p99")} x, memory ${ratio("rss")} x`,
  );
  process.exit(0);
}

const url = new URL(option("url"));
const secret = option("secret");
const connections = Number(option("connections", "1"));
const pid = option("pid");
const killAfter = Number(option("kill-after", "0"));

// As GitHub's: a pull request with two whole repositories in it, about 22 kB.
const links = (base) => Object.fromEntries(Array.from({ length: 24 }, (_, at) => [`link_${at}_url`, `https://api.github.com/repos/acme/edge/${base}/${at}{/sha}`]));
const owner = { login: "acme", id: 1, node_id: "MDQ6VXNlcjE=", gravatar_id: "", type: "Organization", site_admin: false, ...links("owner") };
const repository = (id) => ({ id, node_id: "R_kgDO", name: "edge", full_name: "acme/edge", private: true, owner, default_branch: "main", ...links("repository") });
function payload(number) {
  const end = (ref) => ({ label: `acme:${ref}`, ref, sha: randomUUID().replaceAll("-", "").padEnd(40, "0"), user: owner, repo: repository(42) });
  return JSON.stringify({
    action: "synchronize",
    number,
    pull_request: { id: 9, number, state: "open", title: "Move the load", body: "b".repeat(1500), user: owner, draft: false, head: end("change"), base: end("main"), ...links("pulls") },
    repository: repository(42),
    organization: owner,
    installation: { id: 7, node_id: "x" },
    sender: { login: "kim", id: 9, type: "User" },
  });
}

// The requests are put together beforehand, all but the id: on a small machine what measures must cost less than what is measured.
const bodies = Array.from({ length: 50 }, (_, at) => {
  const body = Buffer.from(payload(at + 1));
  const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const head = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    "user-agent: GitHub-Hookshot/load",
    "accept: */*",
    "content-type: application/json",
    `content-length: ${body.length}`,
    "x-github-event: pull_request",
    "x-github-hook-id: 1",
    `x-hub-signature-256: ${signature}`,
    "x-github-delivery: ",
  ].join("\r\n");
  return { length: body.length, before: Buffer.from(head), after: Buffer.concat([Buffer.from("\r\n\r\n"), body]) };
});

// A connection that sends one request at a time.
class Connection {
  constructor() {
    this.socket = null;
    this.have = "";
    this.resolve = null;
  }

  open() {
    return new Promise((resolve) => {
      const socket = net.connect(Number(url.port), url.hostname, () => resolve(true));
      socket.setNoDelay(true);
      socket.on("data", (part) => this.read(part));
      socket.on("error", () => {});
      socket.on("close", () => {
        this.socket = null;
        this.end({ status: 0, text: "" });
        resolve(false);
      });
      this.socket = socket;
    });
  }

  async send(guid, { before, after }) {
    if (this.socket === null && !(await this.open())) return { status: 0, text: "" };
    return new Promise((resolve) => {
      this.resolve = resolve;
      this.have = "";
      this.socket.cork();
      this.socket.write(before);
      this.socket.write(guid);
      this.socket.write(after);
      this.socket.uncork();
    });
  }

  read(part) {
    this.have += part.toString("latin1");
    const end = this.have.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.have.slice(0, end).toLowerCase();
    const length = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? NaN);
    const text = this.have.slice(end + 4);
    // Without a length it is chunked, and ends with an empty chunk.
    if (Number.isNaN(length) ? !text.endsWith("0\r\n\r\n") : text.length < length) return;
    const closes = head.includes("connection: close");
    this.end({ status: Number(head.slice(9, 12)), text });
    if (closes) this.socket?.destroy();
  }

  end(answer) {
    const resolve = this.resolve;
    this.resolve = null;
    resolve?.(answer);
  }
}

const tick = Number(execFileSync("getconf", ["CLK_TCK"]).toString());
function cpuMs() {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / tick;
}
function memoryMib() {
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}

// Each connection takes the next one until there is none.
async function all(count, each) {
  let next = 0;
  const worker = async () => {
    const connection = new Connection();
    while (next < count) await each(connection, next++);
    connection.socket?.destroy();
  };
  await Promise.all(Array.from({ length: connections }, worker));
}

if (option("again")) {
  const acked = fs.readFileSync(option("again"), "utf8").split("\n").filter(Boolean);
  let known = 0;
  await all(acked.length, async (connection, at) => {
    const { status, text } = await connection.send(acked[at], bodies[0]);
    known += Number(status === 202 && text.includes("known"));
  });
  console.log(`  ${acked.length} were answered with 202 before the kill, ${known} of them are there after it: ${acked.length - known} lost`);
  process.exit(known === acked.length ? 0 : 1);
}

const count = Number(option("count"));
const idle = memoryMib();
const before = cpuMs();
const times = [];
const acked = [];
let other = 0;
let sent = 0;
let underWay = 0;
const started = process.hrtime.bigint();
await all(count, async (connection, at) => {
  const guid = randomUUID();
  const begun = process.hrtime.bigint();
  sent += 1;
  const { status } = await connection.send(guid, bodies[at % bodies.length]);
  times.push(Number(process.hrtime.bigint() - begun) / 1e6);
  if (status >= 200 && status < 300) acked.push(guid);
  else other += 1;
  if (killAfter > 0 && acked.length === killAfter) {
    underWay = sent - acked.length - other;
    process.kill(Number(pid), "SIGKILL");
  }
});
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
if (option("acked")) {
  fs.writeFileSync(option("acked"), acked.join("\n"));
  console.log(`  ${acked.length} answered with 202, ${underWay} under way when it was killed`);
  process.exit(0);
}
times.sort((a, b) => a - b);
const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
const figures = { connections, cpu: (cpuMs() - before) / count, rate: count / seconds, p50: at(0.5), p99: at(0.99), rss: memoryMib() };
console.log(
  `  ${String(connections).padStart(2)} connections, ${count} of ${bodies[0].length} bytes: ${figures.cpu.toFixed(3)} ms CPU each, ${figures.rate.toFixed(0)}/s, p50 ${figures.p50.toFixed(2)} ms, p99 ${figures.p99.toFixed(2)} ms, memory ${idle.toFixed(1)} -> ${figures.rss.toFixed(1)} MiB, ${other} refused`,
);
if (option("out")) fs.writeFileSync(option("out"), JSON.stringify(figures));
process.exit(other === 0 ? 0 : 1);

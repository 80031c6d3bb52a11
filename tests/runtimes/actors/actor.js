// The conformance suite's function, in JavaScript: does what the event says.
const fs = require("node:fs");
const path = require("node:path");
const { setTimeout: sleep } = require("node:timers/promises");

if (process.env.FAIL_INIT) throw new Error("no way to start");
if (process.env.SLOW_INIT) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000 * process.env.SLOW_INIT);
let count = 0;
const kept = [];

class Mishap extends Error {
  constructor(message) {
    super(message);
    this.name = "Mishap";
  }
}

const note = () => path.join(process.env.TMPDIR, "note");
const actions = {
  echo: async (event) => event.value,
  context: async (event, context) => ({
    request_id: context.awsRequestId,
    name: context.functionName,
    version: context.functionVersion,
    memory: context.memoryLimitInMB,
    group: context.logGroupName,
    stream: context.logStreamName,
    arn: context.invokedFunctionArn,
    left: context.getRemainingTimeInMillis(),
  }),
  env: async (event) => Object.fromEntries(event.names.map((name) => [name, process.env[name] ?? null])),
  log: async (event) => {
    process.stdout.write(event.text + "\n");
    process.stderr.write(event.text + "\n");
  },
  error: async (event) => {
    throw new Mishap(event.message);
  },
  sleep: async (event) => {
    await sleep(event.s * 1000);
  },
  exit: async (event) => process.exit(event.status),
  memory: async (event) => {
    for (let megabyte = 0; megabyte < event.mb; megabyte++) kept.push(Buffer.alloc(1 << 20, 1));
    return kept.length << 20;
  },
  write: async (event) => fs.writeFileSync(note(), event.text),
  read: async () => fs.readFileSync(note(), "utf8"),
  count: async () => ++count,
  big: async (event) => "x".repeat(event.size),
  folder: async () => fs.readdirSync(".").sort(),
};

exports.handler = (event, context) => actions[event.do](event, context);

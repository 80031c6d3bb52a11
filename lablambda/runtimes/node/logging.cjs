"use strict";
/* The console as Lambda has it: each call is one log event, whatever newlines it holds. */
const util = require("node:util");
const { LogStream, writeAll } = require("./descriptors.cjs");
const { asError, isError, logged, tidied, trace } = require("./errors.cjs");

const MARK = Buffer.from([0xf5, 0x00, 0xff, 0x52]); // never valid UTF-8, so no printed line can hold it
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const METHODS = { trace: "TRACE", debug: "DEBUG", info: "INFO", log: "INFO", warn: "WARN", error: "ERROR", fatal: "FATAL" };
const STACK = /\n\s+at .*:\d+:\d+/;

let requestId;
let format = text;

function setRequestId(id) {
  requestId = id;
}

/** Replace the console's methods, by the format and level that the environment's variables tell, and the
 * standard streams. */
function install() {
  for (const [name, descriptor] of [["stdout", 1], ["stderr", 2]]) {
    const stream = new LogStream(descriptor);
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
  const least = LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL);
  if (process.env.AWS_LAMBDA_LOG_FORMAT === "JSON") format = json;
  for (const [method, level] of Object.entries(METHODS)) {
    const heard = LEVELS.indexOf(level) >= least;
    console[method] = heard ? (message, ...more) => record(format(level, [message, ...more])) : () => {};
  }
}

/** Log what ends an invocation, or the process; `moment` says when it happened. */
function logError(moment, thrown) {
  const error = asError(thrown);
  if (format === json) console.error(error);
  else console.error(moment, logged(error));
}

function text(level, words) {
  return [new Date().toISOString(), requestId, level, formatted(words)].map(String).join("\t");
}

function formatted(words) {
  const message = util.format(...words);
  return STACK.test(message) ? tidied(message).join("\n") : message;
}

function json(level, words) {
  const told = { timestamp: new Date().toISOString(), level, requestId };
  if (words.length === 1) {
    try {
      return JSON.stringify({ ...told, message: words[0] }, (_, value) => (isError(value) ? { ...facts(value), ...value } : value));
    } catch {
      return JSON.stringify({ ...told, message: formatted(words) }); // it holds itself, or a BigInt
    }
  }
  const error = words.find(isError);
  return JSON.stringify({ ...told, message: formatted(words), ...(error && facts(error)) });
}

function facts(error) {
  return { errorType: error.constructor?.name ?? "UnknownError", errorMessage: error.message, stackTrace: trace(error) };
}

function record(message) {
  const data = Buffer.from(message);
  const head = Buffer.allocUnsafe(8);
  MARK.copy(head);
  head.writeUInt32BE(data.length, 4);
  writeAll(1, Buffer.concat([head, data]));
}

module.exports = { install, logError, setRequestId };

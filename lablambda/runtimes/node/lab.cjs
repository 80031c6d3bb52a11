"use strict";
/* The lab as the runtime sees it: a socket, descriptor 3, whose frames are told in
 * runtimes/python/bootstrap.py.
 *
 * Reading blocks. Between two events the whole event loop thereby stands still, as AWS freezes the process:
 * timers and sockets that a handler left behind go on during the next event. And since nothing of the
 * runtime's is in the event loop, it is empty when the handler's own work is done. */
const fs = require("node:fs");
const { readSome, writeAll } = require("./descriptors.cjs");

const CHANNEL = 3;
const CHUNK = 1 << 16;
const Kind = Object.freeze({
  INVOKE: 1, READY: 2, INIT_ERROR: 3, RESPONSE: 4, ERROR: 5, START: 6, STREAM: 7, CHUNK: 8, END: 9, FATAL: 10,
});

const incoming = Buffer.allocUnsafeSlow(CHUNK);
let buffered = Buffer.alloc(0);

/** The next frame's body; null when the lab has gone. */
function frame() {
  if (!fill(4)) return null;
  const end = 4 + buffered.readUInt32BE(0);
  if (!fill(end)) return null;
  const body = buffered.subarray(5, end);
  buffered = buffered.subarray(end);
  return body;
}

/** Read until `size` bytes are there; false if the lab has gone. */
function fill(size) {
  const parts = [buffered];
  let there = buffered.length;
  while (there < size) {
    const read = readSome(CHANNEL, incoming);
    if (read === 0) return false;
    parts.push(Buffer.from(incoming.subarray(0, read)));
    there += read;
  }
  if (parts.length > 1) buffered = Buffer.concat(parts, there);
  return true;
}

/** What this process is to be; null when the lab has gone. */
function start() {
  const body = frame();
  return body && JSON.parse(body);
}

/** The next event as {header, event}; null when the lab has gone. */
function next() {
  const body = frame();
  if (body === null) return null;
  const end = 4 + body.readUInt32BE(0);
  return { header: JSON.parse(body.toString("utf8", 4, end)), event: body.toString("utf8", end) };
}

function send(kind, body = "") {
  const size = Buffer.byteLength(body);
  const message = Buffer.allocUnsafe(5 + size);
  message.writeUInt32BE(size + 1, 0);
  message.writeUInt8(kind, 4);
  if (typeof body === "string") message.write(body, 5);
  else body.copy(message, 5);
  writeAll(CHANNEL, message);
}

/** Send what ends an invocation: `kind`, the peak of memory, and `body`. */
function answer(kind, body = "") {
  const size = Buffer.byteLength(body);
  const message = Buffer.allocUnsafe(9 + size);
  message.writeUInt32BE(size + 5, 0);
  message.writeUInt8(kind, 4);
  message.writeUInt32BE(process.resourceUsage().maxRSS, 5);
  message.write(body, 9);
  writeAll(CHANNEL, message);
}

/** Take no more events. */
function leave() {
  fs.closeSync(CHANNEL);
}

module.exports = { Kind, start, next, send, answer, leave };

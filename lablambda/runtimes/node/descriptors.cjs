"use strict";
/* Reading from the lab's socket, and writing to it and to the log, at once: what waits in a buffer would not
 * get there before the event loop stands still. */
const fs = require("node:fs");
const { Writable } = require("node:stream");

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Do what blocks, also where a child process has made the descriptor, which it shares, a non-blocking one. */
function blocking(act) {
  for (;;) {
    try {
      return act();
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

/** Write all of `data`, a Buffer, however long that takes. */
function writeAll(descriptor, data) {
  try {
    for (let sent = 0; sent < data.length; ) sent += blocking(() => fs.writeSync(descriptor, data, sent));
  } catch (error) {
    if (error.code !== "EPIPE") throw error;
    process.exit(0); // the lab has gone
  }
}

/** Read into `buffer` what is there, or wait for something; gives its size, 0 at the end. */
function readSome(descriptor, buffer) {
  try {
    return blocking(() => fs.readSync(descriptor, buffer, 0, buffer.length, null));
  } catch (error) {
    if (error.code === "ECONNRESET") return 0;
    throw error;
  }
}

/** Standard output or standard error. */
class LogStream extends Writable {
  constructor(descriptor) {
    super({ decodeStrings: true });
    this.fd = descriptor;
  }

  _write(chunk, _encoding, done) {
    writeAll(this.fd, chunk);
    done();
  }

  _destroy(_error, done) {
    done(); // it stays open, as standard streams do
  }
}

module.exports = { readSome, writeAll, LogStream };

"use strict";
/* Writing to the lab's socket and log at once: what waits in a buffer would not get there before the event
 * loop stands still. */
const fs = require("node:fs");
const { Writable } = require("node:stream");

/** Write all of `data`, a Buffer, however long that takes. */
function writeAll(descriptor, data) {
  for (let sent = 0; sent < data.length; ) sent += fs.writeSync(descriptor, data, sent);
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

module.exports = { writeAll, LogStream };

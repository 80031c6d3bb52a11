"use strict";
/* Streamed answers: `awslambda.streamifyResponse` marks a handler, which then writes to a stream. */
const { Writable } = require("node:stream");
const lab = require("./lab.cjs");
const { Fault } = require("./errors.cjs");

const MARK = Symbol.for("aws.lambda.runtime.handler.streaming");
const HTTP = "application/vnd.awslambda.http-integration-response";
const PART = 1 << 16;

/** Where a handler writes its answer. It blocks as long as the lab can't take more. */
class ResponseStream extends Writable {
  #begun = false;
  #contentType = "";
  #prelude = null;

  /** Whether anything was sent: from then on an error can only be told at the end. */
  get begun() {
    return this.#begun;
  }

  setContentType(contentType) {
    if (this.#begun) throw new Fault("InvalidStreamingOperation", "Cannot set content-type, too late.");
    this.#contentType = contentType;
  }

  /** Sent before all else, once there is something to send. */
  setPrelude(prelude) {
    this.#prelude = prelude;
  }

  begin() {
    if (this.#begun) return;
    this.#begun = true;
    lab.send(lab.Kind.STREAM, this.#contentType);
    if (this.#prelude !== null) lab.send(lab.Kind.CHUNK, this.#prelude);
  }

  _write(chunk, _encoding, done) {
    this.begin();
    for (let start = 0; start < chunk.length; start += PART) {
      lab.send(lab.Kind.CHUNK, chunk.subarray(start, start + PART));
    }
    done();
  }

  _final(done) {
    this.begin();
    done();
  }
}

class HttpResponseStream {
  /** Let `stream` begin with the status, headers and cookies that an HTTP endpoint is to answer with. */
  static from(stream, prelude) {
    stream.setContentType(HTTP);
    stream.setPrelude(Buffer.concat([Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8)]));
    return stream;
  }
}

function streamifyResponse(handler, options) {
  handler[MARK] = "response";
  if (typeof options?.highWaterMark === "number") {
    handler[Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark")] = options.highWaterMark;
  }
  return handler;
}

function isStreaming(handler) {
  return handler[MARK] === "response";
}

module.exports = { ResponseStream, isStreaming, awslambda: { streamifyResponse, HttpResponseStream } };

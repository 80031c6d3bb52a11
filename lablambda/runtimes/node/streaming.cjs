"use strict";
/* Streamed answers: `awslambda.streamifyResponse` marks a handler, which then writes to a stream. */
const { Writable } = require("node:stream");
const lab = require("./lab.cjs");
const { Fault } = require("./errors.cjs");

const MARK = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const HTTP = "application/vnd.awslambda.http-integration-response";
const PART = 1 << 16;

/** Where a handler writes its answer. It blocks as long as the lab can't take more. */
class ResponseStream extends Writable {
  #written = false;
  #begun = false;
  #contentType = "application/octet-stream";

  constructor(handler) {
    super({ highWaterMark: handler[HIGH_WATER_MARK] });
  }

  /** Whether anything was sent: from then on an error can only be told at the end. */
  get begun() {
    return this.#begun;
  }

  setContentType(contentType) {
    if (this.#written) throw new Fault("InvalidStreamingOperation", "Cannot set content-type, too late.");
    this.#contentType = contentType;
  }

  /** As AWS's: values become JSON, and what `_onBeforeFirstWrite` writes comes first. */
  write(chunk, ...more) {
    if (!this.#written) {
      this.#written = true;
      this._onBeforeFirstWrite?.((part) => super.write(part));
    }
    const plain = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.write(plain ? chunk : JSON.stringify(chunk), ...more);
  }

  _write(chunk, _encoding, done) {
    this.#begin();
    for (let start = 0; start < chunk.length; start += PART) {
      lab.send(lab.Kind.CHUNK, chunk.subarray(start, start + PART));
    }
    done();
  }

  _final(done) {
    this.#begin();
    done();
  }

  #begin() {
    if (this.#begun) return;
    this.#begun = true;
    lab.send(lab.Kind.STREAM, this.#contentType);
  }
}

class HttpResponseStream {
  /** Let `stream` begin with the status, headers and cookies that an HTTP endpoint is to answer with. As on
   * AWS they are sent by the first `write`; `end` alone, even with data, doesn't send them. */
  static from(stream, prelude) {
    stream.setContentType(HTTP);
    const told = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(told);
      write(new Uint8Array(8));
    };
    return stream;
  }
}

function streamifyResponse(handler, options) {
  handler[MARK] = "response";
  if (typeof options?.highWaterMark === "number") handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  return handler;
}

function isStreaming(handler) {
  if (!handler[MARK]) return false;
  if (handler[MARK] === "response") return true;
  throw new Fault("MalformedStreamingHandler", "Only response streaming is supported.");
}

module.exports = { ResponseStream, isStreaming, awslambda: { streamifyResponse, HttpResponseStream } };

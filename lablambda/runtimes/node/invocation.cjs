"use strict";
/* One invocation, in every style in which a handler may answer; only its first answer counts.
 *
 * A promise answers when it settles. A callback's success waits until the event loop is empty, unless
 * context.callbackWaitsForEmptyEventLoop is false; its error, and context.succeed, fail and done, don't. A
 * handler that doesn't answer before the event loop is empty gives null, or, if it is async, an error.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html */
const util = require("node:util");
const lab = require("./lab.cjs");
const { context, contextWithWays } = require("./context.cjs");
const { Fault, answered } = require("./errors.cjs");
const { logError } = require("./logging.cjs");
const { ResponseStream, isStreaming } = require("./streaming.cjs");

const RESPONSE_BYTES = 6 * 1024 * 1024 + 100;

/** Owns the handler under the name by which AWS's stack traces know it: `Runtime.handler`. */
class Runtime {
  constructor(handler) {
    this.handler = handler;
  }
}

class Invocation {
  /** `next` is called when it is over. */
  constructor(handler, header, event, { callbacks, next }) {
    this.runtime = new Runtime(handler);
    this.header = header;
    this.event = event;
    this.callbacks = callbacks;
    this.next = next;
    this.done = false;
    this.answered = false;
    this.waits = true;
    this.stream = isStreaming(handler) ? new ResponseStream(handler) : null;
    // What the event loop's being empty means.
    this.whenEmpty = () => this.unanswered();
  }

  run() {
    if (this.stream !== null) this.runStreaming();
    else if (this.callbacks) this.runWithCallbacks();
    else this.runAsync();
  }

  /** Since Node.js 24. The answer comes a turn of the event loop later, so that a rejection which the handler
   * leaves behind is told instead. */
  async runAsync() {
    try {
      const result = await this.runtime.handler(JSON.parse(this.event), context(this.header));
      setImmediate(() => this.succeed(result));
    } catch (error) {
      setImmediate(() => this.fail(error));
    }
  }

  runWithCallbacks() {
    const callback = (error, result) => this.callBack(error, result);
    try {
      const ways = contextWithWays(this.header, this.ways());
      const result = this.runtime.handler(JSON.parse(this.event), ways, callback);
      if (typeof result?.then === "function") result.then(ways.succeed, ways.fail);
    } catch (error) {
      callback(error);
    }
  }

  async runStreaming() {
    const ended = new Promise((resolve, reject) => this.stream.on("finish", resolve).on("error", reject));
    ended.catch((error) => this.fail(error)); // even while the handler goes on
    try {
      const given = this.callbacks ? contextWithWays(this.header, {}) : context(this.header);
      const promise = this.runtime.handler(JSON.parse(this.event), this.stream, given);
      if (typeof promise?.then !== "function") throw this.misuse("Streaming does not support non-async handlers.");
      this.returned(await promise);
      await ended;
      if (this.over()) lab.answer(lab.Kind.END);
    } catch (error) {
      this.fail(error);
    }
  }

  /** A streaming handler has come to its end; its stream may go on. */
  returned(result) {
    if (result !== undefined) console.warn("Streaming handlers ignore return values.");
    this.whenEmpty = () => this.fail(this.misuse("Response stream is not finished."));
  }

  /** A streaming handler's mistake, as this version of AWS's runtime has it. */
  misuse(message) {
    return this.callbacks ? message : new Error(message);
  }

  /** What a context with callbacks has of its own. */
  ways() {
    const invocation = this;
    return {
      get callbackWaitsForEmptyEventLoop() {
        return invocation.waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        invocation.waits = value;
      },
      succeed: (result) => this.first(() => this.succeed(result)),
      fail: (error) => this.first(() => this.fail(error ?? "handled")),
      done: (error, result) => this.first(() => (error == null ? this.succeed(result) : this.fail(error))),
    };
  }

  callBack(error, result) {
    this.first(() => {
      if (error != null) this.fail(error);
      else if (!this.waits) this.succeed(result);
      else this.whenEmpty = () => this.succeed(result);
    });
  }

  /** Answer in one of these ways, if none of them was used before. */
  first(answer) {
    if (this.answered) return;
    this.answered = true;
    answer();
  }

  succeed(result) {
    let body;
    try {
      body = JSON.stringify(result === undefined ? null : result) ?? "null";
    } catch {
      const message = "Unable to stringify response body";
      return this.fail(this.callbacks ? new Error(message) : new Fault("JSONStringifyError", message));
    }
    this.answer(lab.Kind.RESPONSE, body);
  }

  fail(error, moment = "Invoke Error", kind = this.stream?.begun ? lab.Kind.END : lab.Kind.ERROR) {
    if (this.done) return;
    logError(moment, error);
    this.answer(kind, JSON.stringify(answered(error)));
  }

  answer(kind, body) {
    if (!this.over()) return;
    if (Buffer.byteLength(body) <= RESPONSE_BYTES) lab.answer(kind, body);
    else lab.answer(kind === lab.Kind.RESPONSE ? lab.Kind.ERROR : kind, tooLarge());
  }

  /** End it, unless it has ended; false if it has. The event loop gets a turn before it stands still, for
   * what the answer itself has set off: a rejection that nobody handles must not be told of the next event. */
  over() {
    if (this.done) return false;
    this.done = true;
    this.whenEmpty = () => {};
    setImmediate(this.next);
    return true;
  }

  unanswered() {
    const isAsync = !this.callbacks || this.stream !== null || util.types.isAsyncFunction(this.runtime.handler);
    if (!isAsync) return this.succeed(null);
    this.fail(new Fault(
      "NodeJsExit",
      "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise " +
        "that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes",
    ));
  }
}

function tooLarge() {
  return JSON.stringify({
    errorMessage: `Response payload size exceeded maximum allowed payload size (${RESPONSE_BYTES} bytes).`,
    errorType: "Function.ResponseSizeTooLarge",
  });
}

module.exports = { Invocation };

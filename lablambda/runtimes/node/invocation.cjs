"use strict";
/* One invocation, in every style in which a handler may answer; only its first answer counts.
 *
 * A promise answers when it settles. A callback's success waits until the event loop is empty, unless
 * context.callbackWaitsForEmptyEventLoop is false; its error, and context.succeed, fail and done, don't. A
 * handler that doesn't answer before the event loop is empty gives null, or, if it is async, an error.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html */
const util = require("node:util");
const lab = require("./lab.cjs");
const { Fault, answered, logged } = require("./errors.cjs");
const { ResponseStream, isStreaming } = require("./streaming.cjs");

const RESPONSE_BYTES = 6 * 1024 * 1024 + 100;

class Invocation {
  /** `next` is called when it is over. */
  constructor(handler, header, event, { callbacks, next }) {
    this.handler = handler;
    this.event = event;
    this.callbacks = callbacks;
    this.next = next;
    this.done = false;
    this.answered = false;
    this.waits = true;
    this.stream = isStreaming(handler) ? new ResponseStream() : null;
    this.context = contextOf(header);
    // What the event loop's being empty means.
    this.whenEmpty = () => this.unanswered();
    if (callbacks && this.stream === null) this.addOldWays();
  }

  run() {
    try {
      const event = JSON.parse(this.event);
      if (this.stream !== null) return this.runStreaming(event);
      const callback = (error, result) => this.callBack(error, result);
      const result = this.handler(event, this.context, ...(this.callbacks ? [callback] : []));
      if (typeof result?.then === "function") {
        result.then((value) => this.succeed(value), (error) => this.fail(error));
      } else if (!this.callbacks) {
        this.succeed(result);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  async runStreaming(event) {
    const ended = new Promise((resolve, reject) => this.stream.on("finish", resolve).on("error", reject));
    ended.catch(() => {}); // told by whichever of the two fails first
    try {
      const promise = this.handler(event, this.stream, this.context);
      if (typeof promise?.then !== "function") {
        throw new Fault("InvalidStreamingOperation", "Streaming does not support non-async handlers.");
      }
      await Promise.all([promise, ended]);
      if (this.over()) lab.answer(lab.Kind.END);
    } catch (error) {
      this.fail(error);
    }
  }

  addOldWays() {
    const invocation = this;
    Object.defineProperty(this.context, "callbackWaitsForEmptyEventLoop", {
      get: () => invocation.waits,
      set: (value) => { invocation.waits = value; },
      enumerable: true,
    });
    this.context.succeed = (result) => this.first(() => this.succeed(result));
    this.context.fail = (error) => this.first(() => this.fail(error ?? "handled"));
    this.context.done = (error, result) => this.first(() => (error == null ? this.succeed(result) : this.fail(error)));
  }

  callBack(error, result) {
    this.first(() => {
      if (error != null) this.fail(error);
      else if (!this.waits) setImmediate(() => this.succeed(result));
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
      return this.fail(new Fault("UnserializableResponse", "Unable to stringify response body"));
    }
    if (Buffer.byteLength(body) > RESPONSE_BYTES) return this.answer(lab.Kind.ERROR, tooLarge());
    this.answer(lab.Kind.RESPONSE, body);
  }

  fail(error, moment = "Invoke Error", kind = this.stream?.begun ? lab.Kind.END : lab.Kind.ERROR) {
    if (this.done) return;
    console.error(moment, logged(error));
    this.answer(kind, JSON.stringify(answered(error)));
  }

  answer(kind, body) {
    if (this.over()) lab.answer(kind, body);
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
    const isAsync = util.types.isAsyncFunction(this.handler) || this.stream !== null;
    if (!isAsync) return this.succeed(null);
    this.fail(new Fault(
      "NodeJsExit",
      "The event loop is empty and the handler has not answered: a promise was never settled. " +
        "See https://nodejs.org/docs/latest/api/process.html#exit-codes",
    ));
  }
}

function contextOf(header) {
  const environment = process.env;
  return {
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: header.client_context === undefined ? undefined : JSON.parse(header.client_context),
    identity: undefined,
    invokedFunctionArn: header.arn,
    awsRequestId: header.request_id,
    tenantId: undefined,
    getRemainingTimeInMillis: () => header.deadline_ms - Date.now(),
  };
}

function tooLarge() {
  return JSON.stringify({
    errorMessage: `Response payload size exceeded maximum allowed payload size (${RESPONSE_BYTES} bytes).`,
    errorType: "Function.ResponseSizeTooLarge",
  });
}

module.exports = { Invocation };

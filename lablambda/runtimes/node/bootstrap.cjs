"use strict";
/* What runs inside a Node.js execution environment: wait to be told which function this is to be, load its
 * handler, then handle one event at a time. It knows the lab only as a socket. Behaviour follows AWS's
 * Node.js runtime. */
const Module = require("node:module");
const path = require("node:path");
const lab = require("./lab.cjs");
const logging = require("./logging.cjs");
const { Fault, answered, isError, showPaths, trace } = require("./errors.cjs");
const { load } = require("./handler.cjs");
const { Invocation } = require("./invocation.cjs");
const { awslambda } = require("./streaming.cjs");

// AWS took callbacks out with Node.js 24; the runtime that was asked for decides.
const LAST_WITH_CALLBACKS = 22;
const UNSETTLED = 13; // Node.js's own status for it

let running = null;

async function main() {
  await import("./hooks.mjs"); // whatever it is: the first ES module takes long, and here nobody waits for it
  const launch = lab.start();
  if (launch === null) return process.exit(0);
  const asked = Number.parseInt(launch.runtime.replace("nodejs", ""), 10);
  takeOn(launch, asked);
  const callbacks = asked <= LAST_WITH_CALLBACKS;
  let handler;
  try {
    handler = await load(launch.handler, launch.task, { callbacks });
  } catch (error) {
    refuseToStart(error, callbacks ? "Uncaught Exception" : "Init Error");
  }
  // A turn of the event loop later, so that a rejection which loading left behind is told as init's.
  setImmediate(() => {
    lab.send(lab.Kind.READY);
    handleNext(handler, callbacks);
  });
}

/** Become the environment of a function. */
function takeOn({ variables, task, layers }, asked) {
  for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name];
  Object.assign(process.env, variables);
  process.env.NODE_PATH = modulePath(task, layers, variables.NODE_PATH, asked);
  Module._initPaths();
  process.chdir(task);
  process.argv = [process.execPath, "/var/runtime/index.mjs"];
  showPaths(task, layers);
  logging.install();
  globalThis.awslambda = awslambda;
  process.on("uncaughtException", (error) => lastWords(error, "Uncaught Exception", 129));
  process.on("unhandledRejection", (reason, promise) => {
    lastWords(rejection(reason, promise), "Unhandled Promise Rejection", 128);
  });
  // While the handler is being loaded, an empty event loop means that a top-level await waits for nothing.
  process.on("beforeExit", () => (running === null ? process.exit(UNSETTLED) : running.whenEmpty()));
}

function modulePath(task, layers, own, asked) {
  const inLayers = layers ? [`node${asked}/node_modules`, "node_modules"].map((folder) => path.join(layers, "nodejs", folder)) : [];
  return [own, ...inLayers, task].filter(Boolean).join(":");
}

function refuseToStart(error, moment) {
  logging.logError(moment, error);
  lab.send(lab.Kind.INIT_ERROR, JSON.stringify(answered(error)));
  process.exit(1);
}

function rejection(reason, promise) {
  const fault = new Fault("UnhandledPromiseRejection", isError(reason) ? String(reason) : answered(reason).errorMessage);
  fault.stack = [`${fault.name}: ${fault.message}`, ...(isError(reason) ? trace(reason).slice(1) : [])].join("\n");
  return Object.assign(fault, { reason, promise });
}

/** Tell what ends the process, if somebody waits for it, and end. */
function lastWords(error, moment, status) {
  if (running === null) refuseToStart(error, moment);
  if (running.done) {
    lab.leave(); // at once: ending takes a while, and the next event is for another process
    logging.logError(moment, error);
  } else {
    running.fail(error, moment, lab.Kind.FATAL);
  }
  process.exit(status);
}

function handleNext(handler, callbacks) {
  const next = lab.next();
  if (next === null) process.exit(0);
  const { header, event } = next;
  logging.setRequestId(header.request_id);
  if (header.trace_id) process.env._X_AMZN_TRACE_ID = header.trace_id;
  else delete process.env._X_AMZN_TRACE_ID;
  running = new Invocation(handler, header, event, { callbacks, next: () => handleNext(handler, callbacks) });
  running.run();
}

main();

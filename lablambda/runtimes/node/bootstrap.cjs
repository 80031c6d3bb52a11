"use strict";
/* What runs inside a Node.js execution environment: wait to be told which function this is to be, load its
 * handler, then handle one event at a time. It knows the lab only as a socket. Behaviour follows AWS's
 * Node.js runtime. */
const Module = require("node:module");
const path = require("node:path");
const lab = require("./lab.cjs");
const logging = require("./logging.cjs");
const { Fault, answered, logged, showPaths, trace } = require("./errors.cjs");
const { load } = require("./handler.cjs");
const { Invocation } = require("./invocation.cjs");
const { awslambda } = require("./streaming.cjs");

// AWS took callbacks out with Node.js 24; the runtime that was asked for decides.
const LAST_WITH_CALLBACKS = 22;

let running = null;

async function main() {
  const launch = lab.start();
  if (launch === null) return process.exit(0);
  takeOn(launch);
  const callbacks = Number.parseInt(launch.runtime.replace("nodejs", ""), 10) <= LAST_WITH_CALLBACKS;
  let handler;
  try {
    handler = await load(launch.handler, launch.task, { callbacks });
  } catch (error) {
    refuseToStart(error);
  }
  process.on("beforeExit", () => running?.whenEmpty());
  lab.send(lab.Kind.READY);
  handleNext(handler, callbacks);
}

/** Become the environment of a function. */
function takeOn({ variables, task, layers }) {
  for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name];
  Object.assign(process.env, variables);
  process.env.NODE_PATH = modulePath(task, layers, variables.NODE_PATH);
  Module._initPaths();
  process.chdir(task);
  process.argv.length = 1;
  showPaths(task, layers);
  logging.install();
  globalThis.awslambda = awslambda;
  process.on("uncaughtException", (error) => lastWords(error, "Uncaught Exception", 129));
  process.on("unhandledRejection", (reason) => lastWords(rejection(reason), "Unhandled Promise Rejection", 128));
}

function modulePath(task, layers, own) {
  const major = process.versions.node.split(".")[0];
  const inLayers = layers ? [`node${major}/node_modules`, "node_modules"].map((folder) => path.join(layers, "nodejs", folder)) : [];
  return [own, ...inLayers, task].filter(Boolean).join(":");
}

function refuseToStart(error) {
  console.error("Uncaught Exception", logged(error));
  lab.send(lab.Kind.INIT_ERROR, JSON.stringify(answered(error)));
  process.exit(1);
}

function rejection(reason) {
  const fault = new Fault("UnhandledPromiseRejection", reason?.toString());
  fault.reason = reason;
  fault.stack = [`${fault.name}: ${fault.message}`, ...(reason instanceof Error ? trace(reason).slice(1) : [])].join("\n");
  return fault;
}

/** Tell what ends the process, if somebody waits for it, and end. */
function lastWords(error, moment, status) {
  if (running === null) refuseToStart(error);
  if (running.done) console.error(moment, logged(error));
  else running.fail(error, moment, lab.Kind.FATAL);
  process.exit(status);
}

function handleNext(handler, callbacks) {
  const next = lab.next();
  if (next === null) process.exit(0);
  const { header, event } = next;
  logging.setRequestId(header.request_id);
  if (header.trace_id) process.env._X_AMZN_TRACE_ID = header.trace_id;
  running = new Invocation(handler, header, event, { callbacks, next: () => handleNext(handler, callbacks) });
  running.run();
}

main();

"use strict";
/* Errors as Lambda answers them, and as they are logged; the runtime's own frames are left out. */
const fs = require("node:fs");
const { pathToFileURL } = require("node:url");
const util = require("node:util");

const HERE = `${__dirname}/`;
const FRAME = /^\s+at .*:\d+:\d+\)?(.*)$/;

/** A failure that the runtime itself names. */
class Fault extends Error {
  constructor(kind, message) {
    super(message);
    // As a class's own name would be: it isn't among the properties that are logged.
    Object.defineProperty(this, "name", { value: `Runtime.${kind}`, configurable: true, writable: true });
    Error.captureStackTrace(this, Fault);
  }
}

let folders = [[HERE, "/var/runtime/"]];

/** Show the package under /var/task and the layers under /opt. */
function showPaths(task, layers) {
  for (const [folder, aws] of [[task, "/var/task/"], [layers, "/opt/"]]) {
    if (!folder) continue;
    const real = fs.realpathSync(folder);
    const names = [folder, real, pathToFileURL(real).pathname].map((name) => `${name}/`);
    folders = [...new Set(names)].map((name) => [name, aws]).concat(folders);
  }
}

/** `text` with AWS's paths. */
function shown(text) {
  return folders.reduce((line, [real, aws]) => line.replaceAll(real, aws), text);
}

/** The lines of a text that holds stack traces, but the runtime's own frames and what they stand on. What
 * follows the last frame on its line, as a brace or a comma, stays. */
function tidied(text) {
  const kept = [];
  let ours = false;
  for (const line of text.split("\n")) {
    const frame = FRAME.exec(line);
    ours = frame !== null && (line.includes(HERE) || (ours && / \(?node:/.test(line)));
    if (!ours) kept.push(shown(line));
    else if (kept.length > 0) kept[kept.length - 1] += frame[1];
  }
  return kept;
}

function trace(error) {
  return typeof error.stack === "string" ? tidied(error.stack) : [];
}

function isError(value) {
  return value instanceof Error || util.types.isNativeError(value);
}

function isLikeError(value) {
  return ["name", "message", "stack"].every((name) => value?.[name] && typeof value[name] === "string");
}

/** The body of an error's answer. */
function answered(error) {
  try {
    if (!isError(error) && !isLikeError(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
    return {
      errorType: String(error.name).replaceAll("\x7f", "%7F"),
      errorMessage: shown(String(error.message).replaceAll("\x7f", "%7F")),
      trace: trace(error).map((line) => line.replaceAll("\x7f", "%7F")),
    };
  } catch {
    const message = "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack";
    return { errorType: "handled", errorMessage: message, trace: [] };
  }
}

/** What was thrown, as an Error. */
function asError(thrown) {
  if (isError(thrown)) return thrown;
  const error = new Error(answered(thrown).errorMessage);
  Error.captureStackTrace(error, asError);
  return error;
}

/** An Error as it stands in the log, after a word on when it happened. */
function logged(error) {
  try {
    return `\t${JSON.stringify(error, (_, value) => withProperties(value))}`;
  } catch {
    return `\t${JSON.stringify(answered(error))}`;
  }
}

function withProperties(value) {
  if (!isError(value)) return value;
  const told = { errorType: value.name, errorMessage: shown(String(value.message)), code: value.code, ...value };
  return typeof value.stack === "string" ? { ...told, stack: trace(value) } : told;
}

module.exports = { Fault, showPaths, answered, asError, isError, logged, tidied, trace };

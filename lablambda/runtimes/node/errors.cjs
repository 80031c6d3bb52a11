"use strict";
/* Errors as Lambda answers them, and as they are logged; the runtime's own frames are left out. */
const util = require("node:util");

/** A failure that the runtime itself names. */
class Fault extends Error {
  constructor(kind, message) {
    super(message);
    this.name = `Runtime.${kind}`;
  }
}

let shown = (line) => line;

/** Show the package under /var/task and the layers under /opt. */
function showPaths(task, layers) {
  const folders = [[task, "/var/task"]];
  if (layers) folders.push([layers, "/opt"]);
  shown = (text) => folders.reduce((line, [real, aws]) => line.replaceAll(`${real}/`, `${aws}/`), text);
}

function trace(error) {
  if (typeof error.stack !== "string") return [];
  return error.stack.split("\n").filter((line) => !line.includes(__dirname)).map(shown);
}

function isError(value) {
  return util.types.isNativeError(value) || (value?.name && value.message && value.stack);
}

/** The body of an error's answer. */
function answered(error) {
  try {
    if (!isError(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
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

/** The error as it stands in the log, after a word on when it happened. */
function logged(error) {
  try {
    return `\t${JSON.stringify(withProperties(error), (_, value) => withProperties(value))}`;
  } catch {
    return `\t${JSON.stringify(answered(error))}`;
  }
}

function withProperties(value) {
  if (!util.types.isNativeError(value)) return value;
  const told = { errorType: value.name, errorMessage: shown(value.message), code: value.code, ...value };
  return { ...told, stack: trace(value) };
}

module.exports = { Fault, showPaths, answered, logged, trace };

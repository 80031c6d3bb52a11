"use strict";
/* From a handler's name to the function: `folder/file.export.nested`, a CommonJS or an ES module. */
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");
const { pathToFileURL } = require("node:url");
const { Fault } = require("./errors.cjs");
const { searchIn } = require("./modules.cjs");
const { isStreaming } = require("./streaming.cjs");

// So that the require stack of a module that isn't there ends as on AWS.
const requireAsAws = createRequire(path.join(__dirname, "index.mjs"));

/** Load the handler `name` of the package in `task`. Throws what loading throws, or a Fault. */
async function load(name, task, { callbacks }) {
  if (name.includes("..")) {
    throw new Fault("MalformedHandlerName", `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const { dir, base } = path.parse(name);
  const dot = base.indexOf(".");
  if (dot < 0) throw new Fault("MalformedHandlerName", "Bad handler");
  const module = await importModule(task, path.join(dir, base.slice(0, dot)));
  const names = base.slice(dot + 1).split(".");
  // AWS looks into the default export since Node.js 24, as it lets go of callbacks.
  const handler = find(module, names) || (!callbacks && find(module?.default, names));
  if (!handler) throw new Fault("HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof handler !== "function") throw new Fault("HandlerNotFound", `${name} is not a function`);
  if (!isStreaming(handler) && !callbacks && handler.length >= 3) throw callbackRemoved();
  return handler;
}

function find(module, names) {
  return names.reduce((owner, key) => owner?.[key], module);
}

function callbackRemoved() {
  return new Fault(
    "CallbackHandlerDeprecated",
    "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to " +
      "modify this function to use a supported handler signature to use Node.js 24 or later. For more information see " +
      "https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
  );
}

async function importModule(task, file) {
  try {
    return await resolve(task, file);
  } catch (error) {
    if (error instanceof SyntaxError) throw syntaxFault(error);
    if (error?.code === "MODULE_NOT_FOUND") throw new Fault("ImportModuleError", String(error));
    throw error;
  }
}

/** With the stack of the error itself, which shows the line. */
function syntaxFault(error) {
  const fault = new Fault("UserCodeSyntaxError", String(error));
  fault.stack = error.stack;
  return fault;
}

/** AWS's order: the bare name, .js, .mjs, .cjs, then whatever require finds. */
async function resolve(task, file) {
  const full = path.resolve(task, file);
  for (const extension of ["", ".js", ".mjs", ".cjs"]) {
    const found = full + extension;
    if (!fs.statSync(found, { throwIfNoEntry: false })?.isFile()) continue;
    const isModule = extension === ".mjs" || (extension === ".js" && isModuleFolder(path.dirname(found)));
    if (!isModule) return requireOrImport(found);
    searchIn(process.env.NODE_PATH.split(":"));
    return import(pathToFileURL(found).href);
  }
  return requireAsAws(requireAsAws.resolve(file, { paths: [task, path.dirname(full)] }));
}

/** A file that turns out to be an ES module can be required, unless it awaits something at its top level. */
function requireOrImport(found) {
  try {
    return requireAsAws(found);
  } catch (error) {
    if (error?.code !== "ERR_REQUIRE_ASYNC_MODULE") throw error;
    return import(pathToFileURL(found).href);
  }
}

/** Whether the nearest package.json says that .js files are ES modules. */
function isModuleFolder(folder) {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(at, "package.json"), "utf8")).type === "module";
    } catch (error) {
      if (error.code !== "ENOENT" || at === path.dirname(at)) return false;
    }
  }
}

module.exports = { load };

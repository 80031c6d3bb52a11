"use strict";
/* From a handler's name to the function: `folder/file.export.nested`, a CommonJS or an ES module. */
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");
const { pathToFileURL } = require("node:url");
const { Fault } = require("./errors.cjs");
const { searchIn } = require("./modules.cjs");
const { isStreaming } = require("./streaming.cjs");

/** Load the handler `name` of the package in `task`. Throws what loading throws, or a Fault. */
async function load(name, task, { callbacks }) {
  if (name.includes("..")) {
    throw new Fault("MalformedHandlerName", `'..' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const { dir, base } = path.parse(name);
  const dot = base.indexOf(".");
  if (dot < 0) throw new Fault("MalformedHandlerName", "Bad handler");
  const module = await importModule(task, path.join(dir, base.slice(0, dot)));
  const handler = base.slice(dot + 1).split(".").reduce((owner, key) => owner?.[key], module);
  if (handler === undefined) throw new Fault("HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof handler !== "function") throw new Fault("HandlerNotFound", `${name} is not a function`);
  if (!callbacks && handler.length === 3 && !isStreaming(handler)) {
    throw new Fault(
      "CallbackHandlerDeprecated",
      "AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. Make the " +
        "handler async, with two parameters: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html",
    );
  }
  return handler;
}

async function importModule(task, file) {
  try {
    return await resolve(task, file);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Fault("UserCodeSyntaxError", String(error));
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw new Fault("ImportModuleError", String(error));
    }
    throw error;
  }
}

/** AWS's order: the bare name, .js, .mjs, .cjs, then whatever require finds. */
async function resolve(task, file) {
  const full = path.resolve(task, file);
  const require = createRequire(path.join(task, "index.js"));
  for (const extension of ["", ".js", ".mjs", ".cjs"]) {
    const found = full + extension;
    if (!fs.statSync(found, { throwIfNoEntry: false })?.isFile()) continue;
    const isModule = extension === ".mjs" || (extension === ".js" && isModuleFolder(path.dirname(found)));
    if (!isModule) return require(found);
    searchIn(process.env.NODE_PATH.split(":"));
    return import(pathToFileURL(found).href);
  }
  return require(require.resolve(file, { paths: [task, path.dirname(full)] }));
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

"use strict";
/* ES modules look for packages in node_modules folders only. AWS's Node.js lets them look in NODE_PATH too,
 * which is where layers are, and so does this: where the usual search fails, each folder is tried. */
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

/** Have `import` look in those of `folders` that are there. */
function searchIn(folders) {
  const there = folders.filter((folder) => path.basename(folder) === "node_modules" && fs.existsSync(folder));
  if (there.length === 0) return; // asking costs: a thread, with an older Node.js
  const parents = there.map((folder) => pathToFileURL(path.join(folder, "..", "index.mjs")).href);
  if (Module.registerHooks) Module.registerHooks({ resolve: resolver(parents) });
  else Module.register(pathToFileURL(path.join(__dirname, "hooks.mjs")), { data: { parents } });
}

/** For Node.js 22.15 and newer, which asks in the same thread. */
function resolver(parents) {
  return (specifier, context, next) => {
    try {
      return next(specifier, context);
    } catch (error) {
      if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
      for (const parentURL of parents) {
        try {
          return next(specifier, { ...context, parentURL });
        } catch {
          // the next folder may have it
        }
      }
      throw error;
    }
  };
}

module.exports = { searchIn };

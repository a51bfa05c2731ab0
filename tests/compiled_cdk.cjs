// Why: at each of its many starts in the tests, Node compiles the CDK anew, which takes longer than most of what the CDK
// does then. As Python does with its .pyc, this keeps what V8 has compiled, in the folder that COMPILED_CDK names. It is
// loaded through NODE_OPTIONS. Node's own NODE_COMPILE_CACHE keeps no function that is compiled when it is first called,
// and finds nothing again of the library, which jsii loads from another folder each time.
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");

const folder = process.env.COMPILED_CDK;
const compile = Module.prototype._compile;
// The command line, which is one file of 14 MB, and the library.
const CDK = /\/node_modules\/(?<name>(?<of>aws-cdk|aws-cdk-lib)\/.+\.js)$/;
const packages = {};

function kept(of) {
  const file = path.join(folder, of);
  return { file, data: fs.existsSync(file) ? v8.deserialize(fs.readFileSync(file)) : {}, missing: {} };
}

// Only at the end is everything compiled that has been called.
process.on("exit", () => {
  for (const { file, data, missing } of Object.values(packages)) {
    const made = Object.entries(missing).map(([name, script]) => [name, script.createCachedData()]);
    if (made.length > 0) {
      const own = `${file}-${process.pid}`;
      fs.writeFileSync(own, v8.serialize({ ...data, ...Object.fromEntries(made) }));
      fs.renameSync(own, file);
    }
  }
});

Module.prototype._compile = function (content, filename, ...rest) {
  const match = folder && CDK.exec(filename);
  if (!match) {
    return compile.call(this, content, filename, ...rest);
  }
  const { name, of } = match.groups;
  const { data, missing } = (packages[of] ??= kept(of));
  const script = new vm.Script(Module.wrap(content), {
    filename,
    cachedData: data[name],
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (script.cachedDataRejected !== false) {
    missing[name] = script;
  }
  const call = script.runInThisContext();
  return call.call(this.exports, this.exports, Module.createRequire(filename), this, filename, path.dirname(filename));
};

// Draws specs as OpenSearch Dashboards would: lines of {spec, width, height} on stdin, lines of
// {svg, marks, warnings} on stdout. Argument: the folder of node_modules.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const resolve = createRequire(pathToFileURL(`${folder}/`)).resolve;
const load = async (name) => {
  const found = await import(pathToFileURL(resolve(name)));
  return found.default ?? found;
};
const vega = await load("vega");
const vegaLite = await load("vega-lite");

// a mark that a chart shows: no axis, no legend, not transparent
function count(item) {
  if (item.marktype === "group") {
    return item.items.reduce((sum, group) => sum + group.items.reduce((n, one) => n + count(one), 0), 0);
  }
  if (!String(item.role).startsWith("mark")) return 0;
  const shown = item.items.filter((one) => one.opacity !== 0 && (item.marktype !== "text" || one.text));
  return shown.length;
}

async function draw({ spec, width, height }) {
  const warnings = [];
  const logger = vega.logger(vega.Warn);
  const noBrowser = "event source: window";
  logger.warn = (...told) => told.join(" ").includes(noBrowser) || warnings.push(told.join(" "));
  logger.error = (...told) => { throw new Error(told.join(" ")); };
  const compiled = vegaLite.compile(spec, { logger }).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: "none", logger });
  await view.runAsync();
  await view.width(width).height(height).runAsync(); // a container has no size before
  const svg = await view.toSVG();
  return { svg, marks: count(view.scenegraph().root), warnings };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await draw(JSON.parse(line));
  } catch (error) {
    reply = { error: String(error.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(reply) + "\n");
}

// The page: asks the worker every two seconds, and shows what the address after # names.
import {call, get, pathOf} from "./api.js";
import {makeDetail, makeOverview} from "./detail.js";
import {make, say} from "./dom.js";
import {makeForm} from "./form.js";
import {makeList} from "./list.js";

const POLL_MS = 2000, SLOW_POLL_MS = 5000, MANY = 300;
const byId = (id) => document.getElementById(id);
const main = byId("main"), dialog = byId("dialog");
const list = makeList(byId("rows"), byId("chips"), byId("filter"), byId("none"));
let view = null, route = null, summary = null, connectors = [], timer = null, polling = false;
let listTop = 0;

function toast(text, bad) {
  const element = make("div", {class: bad ? "toast bad" : "toast", text});
  byId("toasts").append(element);
  setTimeout(() => element.remove(), bad ? 12000 : 4000);
}

// ---- what the worker says ----

/** States of all workers come from Kafka Connect's own path; numbers are this worker's. */
function merge(found, statuses) {
  const here = new Map(found.connectors.map((each) => [each.name, each]));
  return Object.entries(statuses).map(([name, {status}]) => {
    const mine = here.get(name) ?? {};
    const detail = new Map((mine.tasks ?? []).map((task) => [task.id, task]));
    const tasks = status.tasks.map((task) => {
      const own = task.worker_id === found.worker_id ? detail.get(task.id) : undefined;
      return {...task, ...own, state: own?.state ?? task.state, trace: task.trace || own?.trace};
    });
    return {...mine, name, state: status.connector.state, trace: status.connector.trace, tasks};
  }).sort((a, b) => a.name.localeCompare(b.name));
}

async function poll() {
  clearTimeout(timer);
  if (polling) return;
  polling = true;
  try {
    const [found, statuses] = await Promise.all([get("fieldtrail/summary"),
      get("connectors?expand=status")]);
    summary = found;
    connectors = merge(found, statuses);
    say(byId("worker"), `${found.worker_id} · ${found.version}`);
    byId("create").hidden = !found.may_write;
    list.update(connectors, route?.name);
    await updateView();
    say(byId("connection"), "");
  } catch (error) {
    say(byId("connection"), error.status === 401 ? "not signed in" : error.message);
  }
  polling = false;
  timer = setTimeout(poll, document.hidden || connectors.length > MANY ? SLOW_POLL_MS : POLL_MS);
}

// ---- what is shown ----

function readRoute() {
  const [, kind = "", name = ""] = location.hash.match(/^#\/(\w*)\/?(.*)$/) ?? [];
  return {kind, name: kind === "c" || kind === "edit" ? decodeURIComponent(name) : null};
}

async function updateView() {
  if (route.kind === "c") {
    const connector = connectors.find((each) => each.name === route.name);
    if (!connector) {
      show(null);
      main.replaceChildren(make("p", {class: "quiet", text: `There is no connector ${route.name}.`}));
    } else {
      if (!view) show(makeDetail(route.name, connector, act));
      await view.update(connector, summary);
    }
  } else if (route.kind === "") {
    if (!view) show(makeOverview());
    await view.update(connectors, summary);
  }
}

function show(next) {
  view = next;
  if (next) main.replaceChildren(next.element);
}

async function go() {
  const layout = byId("layout");
  if (route?.kind === "") listTop = layout.scrollTop;
  route = readRoute();
  view?.end?.();
  view = null;
  document.body.classList.toggle("open", route.kind !== "");
  document.title = route.name ? `${route.name} · fieldtrail` : "fieldtrail";
  main.replaceChildren();
  if (route.kind === "new" || route.kind === "edit") {
    try {
      show(await makeForm(route.name, toast));
      view.first?.focus();
    } catch (error) {
      toast(error.message, true);
    }
  }
  if (summary) {
    list.update(connectors, route.name);
    await updateView().catch((error) => say(byId("connection"), error.message));
  }
  // What is opened is seen from its beginning; a narrow list stands where it was left.
  main.scrollTop = 0;
  layout.scrollTop = route.kind === "" ? listTop : 0;
}

// ---- what is done ----

function ask(text, word) {
  return new Promise((resolve) => {
    const yes = make("button", {type: "button", class: "danger", text: word,
      onclick: () => { dialog.close("yes"); }});
    const no = make("button", {type: "button", text: "Cancel", onclick: () => dialog.close("no")});
    dialog.replaceChildren(make("p", {text}), make("div", {class: "bar"}, no, yes));
    dialog.returnValue = "no";
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.showModal();
    no.focus();
  });
}

const requests = {
  pause: (name) => ["PUT", pathOf(name, "pause"), "pauses"],
  resume: (name) => ["PUT", pathOf(name, "resume"), "goes on"],
  stop: (name) => ["PUT", pathOf(name, "stop"), "stops"],
  restart: (name) => ["POST", pathOf(name, "restart?includeTasks=true"), "restarts"],
  failed: (name) => ["POST", pathOf(name, "restart?includeTasks=true&onlyFailed=true"), "restarts what failed"],
  task: (name, id) => ["POST", pathOf(name, "tasks", id, "restart"), `restarts task ${id}`],
  remove: (name) => ["DELETE", pathOf(name), "was deleted"],
};

async function act(what, name, id) {
  if (what === "remove" && !await ask(`Delete the connector ${name}? Its configuration is lost. Rows, `
      + "positions in the target and the consumer group stay.", "Delete")) return;
  const [method, path, done] = requests[what](name, id);
  try {
    await call(method, path);
    toast(`${name} ${done}`, false);
    if (what === "remove") location.hash = "#/";
  } catch (error) {
    toast(error.message, true);
  }
  poll();
}

// ---- the keyboard ----

function help() {
  const keys = [["/", "filter"], ["j  k", "next and previous connector"], ["Enter", "open it"],
    ["Esc", "back to all"], ["n", "new connector"], ["e", "edit the configuration"],
    ["p", "pause or resume"], ["?", "this"]];
  dialog.replaceChildren(make("h2", {text: "Keys"}), make("div", {class: "keys"},
    ...keys.flatMap(([key, text]) => [make("span", {}, ...key.split("  ").map((each) =>
      make("kbd", {text: each}))), make("span", {text})])), make("div", {class: "bar"},
    make("button", {type: "button", text: "Close", onclick: () => dialog.close()})));
  dialog.onclose = null;
  dialog.showModal();
}

function pauseOrResume() {
  const connector = connectors.find((each) => each.name === route.name);
  if (route.kind !== "c" || !connector || !summary.may_write) return;
  act(["PAUSED", "STOPPED"].includes(connector.state) ? "resume" : "pause", route.name);
}

const keys = {
  "/": () => byId("filter").focus(), j: () => list.step(1), k: () => list.step(-1),
  n: () => { if (summary?.may_write) location.hash = "#/new"; },
  e: () => {
    if (route.kind === "c" && summary?.may_write)
      location.hash = "#/edit/" + encodeURIComponent(route.name);
  },
  p: pauseOrResume, "?": help, Escape: () => { location.hash = "#/"; },
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || !Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});

byId("help").addEventListener("click", help);
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
window.addEventListener("hashchange", go);
go().then(poll);

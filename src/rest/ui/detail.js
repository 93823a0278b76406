// One connector: its states, what can be done to it, its plots and rows. And the worker as a whole,
// where none is chosen.
import {detailOf, get, pageOf} from "./api.js";
import {full, keyed, make, say, seconds, setState, short} from "./dom.js";
import {letters, worstState} from "./list.js";
import {makePlot, roundTime, roundUp} from "./plot.js";

const causes = {source: "could not be read whole", decode: "no event, or lacks what is configured",
  encode: "a value the target's format cannot hold", target: "refused by the target"};

/** Columns that are shown in a place of their own. */
const builtIn = new Set(["n", "change_field", "old_value", "new_value", "datetime_created",
  "datetime_updated", "datetime_deleted", "datetime_inserted", "op", "old_known", "event_time",
  "source_table", "row_key", "tx_id", "lsn", "kafka_topic", "kafka_partition", "kafka_offset",
  "field_no", "source_name", "connector_time", "tx_order", "query", "user_name", "thread"]);

function figure(name) {
  const value = make("dd");
  return {value, element: make("div", {}, make("dt", {text: name}), value)};
}

function figures(names) {
  const all = names.map(figure);
  return {element: make("dl", {class: "figures"}, ...all.map((each) => each.element)),
    show(...values) { values.forEach((value, i) => say(all[i].value, value)); }};
}

function tableOf(heads, body) {
  return make("div", {class: "scroll", tabindex: "0", role: "region"}, make("table", {},
    make("thead", {}, make("tr", {}, ...heads.map(([text, kind]) =>
      make("th", {text, scope: "col", class: kind})))), body));
}

function traceBox() {
  const head = make("b"), text = make("span");
  const element = make("div", {class: "trace", hidden: true, tabindex: "0", role: "region",
    "aria-label": "Why it failed"}, head, text);
  return {element, show(title, trace, waits) {
    element.hidden = !trace;
    element.classList.toggle("wait", waits);
    say(head, title);
    say(text, trace ?? "");
  }};
}

function titleOf({connector, failed, waiting}) {
  const say = (ids, one, many) => (ids.length === 0 ? []
    : ids.length === 1 ? [`task ${ids[0]} ${one}`] : [`tasks ${ids.join(", ")} ${many}`]);
  const text = [...(connector ? ["the connector failed"] : []), ...say(failed, "failed", "failed"),
    ...say(waiting, "tries again", "try again")].join(", ");
  return text[0].toUpperCase() + text.slice(1);
}

/** What went wrong, of the connector and each task: the same text once. */
function troubles(connector) {
  const seen = new Map();
  const of = (trace) => {
    if (!seen.has(trace)) seen.set(trace, {trace, connector: false, failed: [], waiting: []});
    return seen.get(trace);
  };
  if (connector.trace) of(connector.trace).connector = true;
  for (const task of connector.tasks)
    if (task.trace) of(task.trace)[task.state === "FAILED" ? "failed" : "waiting"].push(task.id);
  return [...seen.values()].map((each) => ({trace: each.trace, title: titleOf(each),
    waits: !each.connector && each.failed.length === 0}));
}

/** A link to the page of a worker that lives and is not this one. */
function setWorker(link, id, summary, hash) {
  say(link, id);
  if (id !== summary.worker_id && summary.workers.includes(id))
    link.href = pageOf(id, summary.worker_id) + hash;
  else link.removeAttribute("href");
}

function taskTable(doTask) {
  const body = make("tbody");
  const element = make("section", {class: "card"}, make("h2", {text: "Tasks"}),
    tableOf([["task"], ["state"], ["worker"], ["waiting", "number"], [""]], body));
  return {element, show(connector, summary) {
    keyed(body, connector.tasks, (task) => task.id, (task) => make("tr", {},
      make("td", {text: task.id}), make("td", {}, make("span", {class: "state"})),
      make("td", {class: "mono"}, make("a")), make("td", {class: "number"}),
      make("td", {class: "number"}, make("button", {type: "button", class: "small", text: "restart",
        "aria-label": `Restart task ${task.id}`, onclick: () => doTask(task.id)}))),
    (row, task) => {
      setState(row.children[1].firstChild, task.state);
      setWorker(row.children[2].firstChild, task.worker_id ?? "", summary, location.hash);
      say(row.children[3], task.lag === undefined ? "–" : full(task.lag));
      row.children[4].firstChild.disabled = !summary.may_write;
    });
  }};
}

function lettersCard() {
  const body = make("tbody");
  const none = make("p", {class: "quiet", text: "No record was left out."});
  const table = tableOf([["cause"], ["what it means"], ["records", "number"]], body);
  const element = make("section", {class: "card"}, make("h2", {text: "Records left out (dead letters)"}),
    none, table);
  return {element, show(connector) {
    const found = Object.entries(connector.dead_letters ?? {}).filter(([, count]) => count > 0);
    none.hidden = found.length > 0;
    table.hidden = found.length === 0;
    keyed(body, found, ([cause]) => cause, ([cause]) => make("tr", {}, make("td", {text: cause}),
      make("td", {class: "quiet", text: causes[cause] ?? ""}), make("td", {class: "number"})),
    (row, [, count]) => say(row.children[2], full(count)));
  }};
}

function lanesCard() {
  const body = make("tbody");
  const element = make("section", {class: "card"}, make("h2", {text: "Partitions read here"}),
    tableOf([["topic"], ["partition", "number"], ["next offset", "number"], ["end", "number"],
      ["waiting", "number"]], body));
  return {element, show(lanes) {
    element.hidden = lanes.length === 0;
    keyed(body, lanes, (lane) => lane.topic + "/" + lane.partition, (lane) => make("tr", {},
      make("td", {class: "mono", text: lane.topic}), make("td", {class: "number", text: lane.partition}),
      ...[1, 2, 3].map(() => make("td", {class: "number"}))),
    (row, lane) => [lane.next, lane.end, lane.lag].forEach((value, i) =>
      say(row.children[i + 2], full(value))));
  }};
}

function cell(value, kind, known = true) {
  const mark = (text, title) => make("td", {class: kind}, make("span", {class: "null", text, title}));
  if (!known) return mark("?", "The source did not send the old value");
  if (value === null || value === undefined) return mark("NULL");
  if (value === "") return mark("''", "An empty text");
  return make("td", {class: kind, text: value});
}

function keysOf(row) {
  const named = Object.entries(row).filter(([name]) => !builtIn.has(name) && name !== "task");
  if (named.length > 0) return named.map(([name, value]) => `${name}=${value}`).join(" ");
  return row.row_key ?? "";
}

function timeOf(row) {
  return row.event_time ?? row.datetime_deleted ?? row.datetime_updated ?? row.datetime_created ?? "";
}

function rowsCard() {
  const body = make("tbody", {class: "values"});
  const none = make("p", {class: "quiet", text: "No row came since its tasks were started here."});
  const table = tableOf([["time"], ["op"], ["table"], ["key"], ["field"], ["old value"], ["new value"]],
    body);
  const element = make("section", {class: "card wide", id: "latest"},
    make("h2", {text: "Latest rows"}), make("p", {class: "quiet note", text: "As they were made: a "
      + "sample where many come, and the last of them may still wait for the target."}), none, table);
  let first = true;
  return {element, show(tasks) {
    const rows = tasks.flatMap(({task, rows: found}) => found.map((row) => ({...row, task})));
    rows.sort((a, b) => (b.datetime_inserted ?? "").localeCompare(a.datetime_inserted ?? "") || b.n - a.n);
    none.hidden = rows.length > 0;
    table.hidden = rows.length === 0;
    keyed(body, rows.slice(0, 40), (row) => row.task + ":" + row.n + ":" + row.datetime_inserted,
      (row) => make("tr",
        {class: first ? undefined : "fresh"}, make("td", {class: "tight", text: timeOf(row)}),
        make("td", {}, make("span", {class: "op", text: row.op ?? ""})),
        make("td", {class: "tight", text: row.source_table ?? ""}), make("td", {text: keysOf(row)}),
        make("td", {class: "tight", text: row.change_field ?? ""}),
        cell(row.old_value, "old", row.old_known !== false), cell(row.new_value)), () => {});
    first = false;
  }};
}

function configCard(name) {
  const body = make("tbody", {class: "values"});
  const element = make("section", {class: "card wide", id: "config"},
    make("h2", {text: "Configuration"}),
    tableOf([["key"], ["value"]], body));
  return {element, show(config) {
    keyed(body, Object.entries(config), ([key]) => key, ([key]) => make("tr", {},
      make("td", {class: "tight", text: key}), make("td")), (row, [, value]) =>
      say(row.children[1], value));
  }, name};
}

/** The buttons: which can be pressed follows from the state. `act` does what the page asks first. */
function actions(connector, act) {
  const button = (text, what, kind) => make("button", {type: "button", class: kind, text,
    onclick: () => act(what)});
  const all = {pause: button("Pause", "pause"), resume: button("Resume", "resume"),
    restart: button("Restart", "restart"), failed: button("Restart failed", "failed"),
    stop: button("Stop", "stop"), remove: button("Delete…", "remove", "danger")};
  const edit = make("a", {class: "button", text: "Edit configuration",
    href: "#/edit/" + encodeURIComponent(connector.name)});
  const element = make("div", {class: "actions", role: "group", "aria-label": "Actions"},
    all.pause, all.resume, all.restart, all.failed, all.stop, edit, all.remove);
  return {element, show(now, mayWrite) {
    const failed = now.state === "FAILED" || now.tasks.some((task) => task.state === "FAILED");
    all.pause.hidden = now.state === "PAUSED" || now.state === "STOPPED";
    all.resume.hidden = now.state !== "PAUSED" && now.state !== "STOPPED";
    all.failed.hidden = !failed;
    all.stop.hidden = now.state === "STOPPED";
    for (const each of Object.values(all)) each.disabled = !mayWrite;
    edit.hidden = !mayWrite;
  }};
}

/** Five minutes, fifteen or the hour: as long as there is something to see. */
function windowOf(history) {
  const keys = ["events", "rows", "lag", "delay"];
  const starts = keys.map((key) => history[key].findIndex((value) => value !== null))
    .filter((start) => start >= 0);
  const length = history.lag.length - Math.min(history.lag.length, ...starts);
  const count = [5, 15, 60].map((minutes) => minutes * 60000 / history.interval_ms)
    .find((samples) => samples >= length) ?? history.samples;
  const cut = (values) => [...Array(Math.max(0, count - values.length)).fill(null),
    ...values.slice(Math.max(0, values.length - count))];
  return {...history, count, ...Object.fromEntries(keys.map((key) => [key, cut(history[key])]))};
}

/** Numbers are those of the worker that was asked. */
function whereabouts(connector, summary) {
  const here = connector.tasks.filter((task) => task.worker_id === summary.worker_id).length;
  const all = connector.tasks.length;
  if (summary.workers.length < 2 || here === all) return "";
  return `Numbers are those of this worker, which runs ${here === 0 ? "none" : here} of ${all} task`
    + `${all === 1 ? "" : "s"}. The table of tasks leads to the others.`;
}

/** The view of one connector. update(connector, summary) is called with every poll. */
export function makeDetail(name, connector, act) {
  const state = make("span", {class: "state"});
  const kind = make("span", {class: "quiet"});
  const boxes = make("div");
  const where = make("p", {class: "quiet where"});
  const buttons = actions(connector, (what) => act(what, name));
  const numbers = figures(["events/s", "rows/s", "waiting", "oldest waits for", "rows in all",
    "left out", "old value unknown"]);
  const parts = {
    throughput: makePlot("Throughput", [{name: "events/s", key: "events"},
      {name: "rows/s", key: "rows"}], short, roundUp),
    lag: makePlot("Records that wait", [{name: "records", key: "lag", tone: 3}], short,
      (value) => Math.max(2, roundUp(value))),
    delay: makePlot("Delay, commit to durable", [{name: "delay", key: "delay"}], seconds, roundTime),
    tasks: taskTable((id) => act("task", name, id)), letters: lettersCard(), rows: rowsCard(),
    lanes: lanesCard(), config: configCard(name)};
  const element = make("div", {},
    make("a", {class: "back", href: "#/", text: "← all connectors"}),
    make("div", {class: "title"}, make("h1", {text: name}), state, kind), buttons.element, boxes,
    numbers.element, where, make("div", {class: "cards"}, parts.throughput.element, parts.lag.element,
      parts.delay.element, parts.rows.element), make("div", {class: "cards half"}, parts.tasks.element,
      parts.letters.element, parts.lanes.element, parts.config.element));
  let asked = 0;

  async function refresh() {
    const number = ++asked;
    const found = await get(detailOf(name));
    if (number !== asked) return;
    const history = windowOf(found.history);
    for (const key of ["throughput", "lag", "delay"]) parts[key].update(history);
    parts.rows.show(found.latest);
    parts.lanes.show(found.partitions);
    parts.config.show(found.config);
  }

  return {element, async update(now, summary) {
    setState(state, worstState(now));
    say(kind, [now.class, `${now.tasks.length} task${now.tasks.length === 1 ? "" : "s"}`].join(", "));
    buttons.show(now, summary.may_write);
    keyed(boxes, troubles(now), (trouble) => trouble.trace, () => {
      const box = traceBox();
      box.element.box = box;
      return box.element;
    }, (box, trouble) => box.box.show(trouble.title, trouble.trace, trouble.waits));
    numbers.show(short(now.events_per_second), short(now.rows_per_second), full(now.lag),
      now.oldest_seconds > 0 ? seconds(now.oldest_seconds) : "–", full(now.rows), full(letters(now)),
      full(now.unknown_old));
    const text = whereabouts(now, summary);
    where.hidden = text === "";
    say(where, text);
    parts.tasks.show(now, summary);
    parts.letters.show(now);
    await refresh();
  }};
}

/** The workers of the cluster that live, and how many tasks each has. */
function workersCard() {
  const body = make("tbody");
  const element = make("section", {class: "card"}, make("h2", {text: "Workers of the cluster"}),
    tableOf([["worker"], ["tasks", "number"]], body));
  return {element, show(connectors, summary) {
    const counts = new Map();
    for (const task of connectors.flatMap((each) => each.tasks))
      counts.set(task.worker_id, (counts.get(task.worker_id) ?? 0) + 1);
    element.hidden = summary.workers.length < 2;
    keyed(body, summary.workers, (id) => id, (id) => make("tr", {},
      make("td", {class: "mono"}, make("a"), make("span", {class: "quiet",
        text: id === summary.worker_id ? " this one" : ""})), make("td", {class: "number"})),
    (row, id) => {
      setWorker(row.firstChild.firstChild, id, summary, "");
      say(row.lastChild, full(counts.get(id) ?? 0));
    });
  }};
}

/** Where no connector is chosen: the worker, and what asks for attention. */
export function makeOverview() {
  const numbers = figures(["connectors", "events/s", "rows/s", "waiting", "left out", "CPU", "memory",
    "up for"]);
  const bad = make("ul", {class: "attention"});
  const good = make("p", {class: "quiet", text: "Nothing has failed."});
  const card = make("section", {class: "card"}, make("h2", {text: "Asks for attention"}), good, bad);
  const note = make("p", {class: "quiet"});
  const members = workersCard();
  const element = make("div", {}, make("div", {class: "title"}, make("h1", {text: "This worker"})), note,
    numbers.element, make("div", {class: "cards"}, card, members.element));
  let before = null, share = null;
  const sum = (connectors, key) => connectors.reduce((all, each) => all + (each[key] ?? 0), 0);
  return {element, async update(connectors, summary) {
    const listed = connectors.filter((each) => ["FAILED", "RETRYING"].includes(worstState(each)));
    say(note, `${summary.worker_id}, fieldtrail ${summary.version}`
      + (summary.lasting ? "" : "; what is changed here lasts until the worker ends")
      + (summary.may_write ? "" : "; you may look, and not change anything"));
    if (before && summary.uptime_seconds > before.uptime_seconds)
      share = 100 * (summary.cpu_seconds - before.cpu_seconds)
        / (summary.uptime_seconds - before.uptime_seconds);
    if (before !== summary) before = summary;
    members.show(connectors, summary);
    numbers.show(full(connectors.length), short(sum(connectors, "events_per_second")),
      short(sum(connectors, "rows_per_second")), full(sum(connectors, "lag")),
      full(connectors.reduce((all, each) => all + letters(each), 0)),
      share === null ? "–" : share.toFixed(share < 10 ? 1 : 0) + " %",
      full(Math.round(summary.resident_bytes / 1048576)) + " MiB", seconds(summary.uptime_seconds));
    good.hidden = listed.length > 0;
    keyed(bad, listed, (each) => each.name, (each) => make("li", {},
      make("a", {href: "#/c/" + encodeURIComponent(each.name), text: each.name}),
      make("span", {class: "mono"})), (item, each) => say(item.lastChild,
      troubles(each)[0]?.trace ?? ""));
  }};
}

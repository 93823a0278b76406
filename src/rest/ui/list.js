// The list of connectors: filter, states, and one line each.
import {full, keyed, make, say, short, toneOf} from "./dom.js";

const states = ["FAILED", "RETRYING", "RUNNING", "UNASSIGNED", "RESTARTING", "PAUSED", "STOPPED"];

/** What asks for attention most, of the connector and its tasks. */
export function worstState(connector) {
  const all = [connector.state, ...connector.tasks.map((task) => task.state)];
  if (connector.state === "PAUSED" || connector.state === "STOPPED")
    return all.includes("FAILED") ? "FAILED" : connector.state;
  return states.find((state) => all.includes(state)) ?? connector.state;
}

export function letters(connector) {
  return Object.values(connector.dead_letters ?? {}).reduce((a, b) => a + b, 0);
}

export function makeList(rows, chips, filter, none) {
  const chosen = new Set();
  let connectors = [], current = null, any = false;

  function makeRow(connector) {
    const row = make("a", {class: "row", href: "#/c/" + encodeURIComponent(connector.name)},
      make("span", {class: "name"}, make("i", {class: "dot", "aria-hidden": "true"}),
        make("b", {text: connector.name})),
      make("span"), make("span"), make("span"));
    return make("li", {}, row);
  }

  function updateRow(item, connector) {
    const row = item.firstChild, state = worstState(connector);
    const [name, events, lag, left] = row.children;
    name.firstChild.dataset.tone = toneOf(state);
    say(events, short(connector.events_per_second));
    say(lag, short(connector.lag));
    say(left, short(letters(connector)));
    const text = `${connector.name}, ${state.toLowerCase()}, ${short(connector.events_per_second)} events `
      + `a second, ${full(connector.lag)} waiting, ${full(letters(connector))} left out`;
    if (row.getAttribute("aria-label") !== text) {
      row.setAttribute("aria-label", text);
      row.title = `${connector.name}: ${state}`;
    }
    if (connector.name === current) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }

  function drawChips() {
    const counts = new Map();
    for (const connector of connectors) {
      const state = worstState(connector);
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    const shown = states.filter((state) => counts.has(state) || chosen.has(state));
    keyed(chips, shown, (state) => state, (state) => make("button", {type: "button", class: "chip",
      onclick: () => {
        if (!chosen.delete(state)) chosen.add(state);
        draw();
      }}), (chip, state) => {
      say(chip, `${state.toLowerCase()} ${counts.get(state) ?? 0}`);
      chip.setAttribute("aria-pressed", chosen.has(state));
    });
  }

  function draw() {
    const text = filter.value.trim().toLowerCase();
    const shown = connectors.filter((connector) => connector.name.toLowerCase().includes(text)
      && (chosen.size === 0 || chosen.has(worstState(connector))));
    keyed(rows, shown, (connector) => connector.name, makeRow, updateRow);
    none.hidden = shown.length > 0;
    say(none, !any ? "" : connectors.length > 0 ? "No connector is like that."
      : "There are no connectors yet.");
    drawChips();
  }

  /** The next or previous of the lines that are shown gets the focus. */
  function step(by) {
    const all = [...rows.querySelectorAll(".row")];
    if (all.length === 0) return;
    const at = all.indexOf(document.activeElement);
    const from = at >= 0 ? at : all.findIndex((row) => row.hasAttribute("aria-current"));
    const next = from < 0 ? 0 : Math.max(0, Math.min(all.length - 1, from + by));
    all[next].focus();
  }

  filter.addEventListener("input", draw);
  return {
    step,
    update(next, selected) {
      connectors = next;
      current = selected;
      any = true;
      draw();
    },
  };
}

// Elements without a library: everything that comes from outside becomes text, never markup.

/** make("td", {class: "number", text: 3}, child...) */
export function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function svg(tag, options = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Sets the text only where it changed, so that selections and screen readers are left in peace. */
export function say(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

/** Makes the children of `parent` those of `items`, and keeps the elements of keys it had. */
export function keyed(parent, items, keyOf, create, update) {
  const had = parent.keyed ?? new Map();
  const now = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    const element = had.get(key) ?? create(item);
    update(element, item);
    now.set(key, element);
    if (element === place) place = place.nextSibling;
    else parent.insertBefore(element, place);
  }
  for (const [key, element] of had) if (!now.has(key)) element.remove();
  parent.keyed = now;
}

const units = [[1e9, "G"], [1e6, "M"], [1e4, "k"]];

/** 12,345,678 as 12.3M: for places where the size matters and the digits do not. */
export function short(number) {
  if (number === null || number === undefined || Number.isNaN(number)) return "–";
  for (const [size, unit] of units) {
    const scale = unit === "k" ? 1e3 : size;
    if (Math.abs(number) >= size) {
      const value = number / scale;
      return (value >= 100 ? Math.round(value) : value.toFixed(1)) + unit;
    }
  }
  if (number !== 0 && Math.abs(number) < 10 && !Number.isInteger(number)) return number.toFixed(1);
  return Math.round(number).toLocaleString("en");
}

export function full(number) {
  return number === null || number === undefined ? "–" : number.toLocaleString("en");
}

function parts(large, unit, small, lesser) {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${lesser}`;
}

/** 0.0123 as 12 ms, 75 as 1 min 15 s. */
export function seconds(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 0.001) return Math.round(value * 1e6) + " µs";
  if (size < 1) return Math.round(value * 1e3) + " ms";
  if (size < 60) return (size < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value)) + " s";
  if (size < 3600) return parts(Math.floor(value / 60), "min", Math.floor(value % 60), "s");
  if (size < 172800) return parts(Math.floor(value / 3600), "h", Math.floor((value % 3600) / 60), "min");
  return Math.floor(value / 86400) + " days";
}

const tones = {RUNNING: "good", FAILED: "bad", UNASSIGNED: "wait", RETRYING: "wait",
  RESTARTING: "wait", PAUSED: "rest", STOPPED: "rest"};

export function toneOf(state) {
  return tones[state] ?? "rest";
}

export function setState(element, state) {
  say(element, state);
  element.dataset.tone = toneOf(state);
}

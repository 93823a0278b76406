// A line plot as SVG: a few series over the same times, one axis from zero.
import {make, svg, say} from "./dom.js";

const HEIGHT = 150, LEFT = 46, RIGHT = 8, TOP = 8, BOTTOM = 20;

/** The next of 1, 2, 5, 10, 20 ... that is not less. */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999999);
}

const times = [1, 2, 4, 10, 20, 30, 60, 120, 240, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400];

/** The same of seconds, so that a half of it is a round time, too. */
export function roundTime(value) {
  if (value < 1) return roundUp(value);
  return times.find((time) => time >= value) ?? 86400 * roundUp(value / 86400);
}

/** The ground under a line, one piece between each two gaps. */
function areaOf(values, x, y) {
  let path = "", first = null;
  values.forEach((value, i) => {
    if (value !== null && first === null) {
      first = i;
      path += `M${x(i).toFixed(1)} ${y(0).toFixed(1)}`;
    }
    if (value !== null) path += `L${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    const last = value !== null && (i + 1 === values.length || values[i + 1] === null);
    if (last) path += `L${x(i).toFixed(1)} ${y(0).toFixed(1)}Z`;
    if (last) first = null;
  });
  return path;
}

function pathOf(values, x, y) {
  let path = "", pen = false;
  values.forEach((value, i) => {
    if (value === null) { pen = false; return; }
    path += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    // A sample between two gaps is a dot.
    if (!pen && (i + 1 === values.length || values[i + 1] === null)) path += "h.1";
    pen = true;
  });
  return path;
}

function clockText(ms) {
  return new Date(ms).toLocaleTimeString([], {hour: "2-digit", minute: "2-digit", hour12: false});
}

/** `series`: [{name, key}], `show` formats a value, `round` finds the end of the axis. update(history)
 * takes the worker's samples. */
export function makePlot(title, series, show, round) {
  const picture = svg("svg", {role: "img", "aria-label": title, preserveAspectRatio: "none"});
  const legend = make("div", {class: "legend"});
  const element = make("section", {class: "card plot"}, make("h2", {text: title}), picture, legend);
  const values = series.map((each, i) => {
    const value = make("b");
    const line = svg("svg", {viewBox: "0 0 22 8", "aria-hidden": "true"},
      svg("line", {class: `series-${each.tone ?? i + 1}`, x1: 0, x2: 22, y1: 4, y2: 4}));
    legend.append(make("span", {}, line, `${each.name} `, value));
    return value;
  });
  let history = null, pointed = null;

  function nearest(width) {
    const count = history.count;
    if (pointed === null) return count - 1;
    const at = Math.round((pointed - LEFT) / (width - LEFT - RIGHT) * (count - 1));
    return Math.max(0, Math.min(count - 1, at));
  }

  function draw() {
    const width = Math.max(picture.clientWidth, 200);
    if (!history) return;
    const count = history.count;
    const top = series.reduce((most, each) => history[each.key].reduce(
      (a, b) => (b !== null && b > a ? b : a), most), 0);
    const limit = round(top > 0 ? top : 10);
    const x = (i) => LEFT + (width - LEFT - RIGHT) * i / Math.max(1, count - 1);
    const y = (value) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Math.max(0, value) / limit;
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      const at = y(limit * share);
      parts.push(svg("line", {class: "grid", x1: LEFT, x2: width - RIGHT, y1: at, y2: at}),
        svg("text", {x: LEFT - 6, y: at + 4, "text-anchor": "end", text: show(limit * share)}));
    }
    for (const share of [0, 0.5, 1]) {
      const i = Math.round(share * (count - 1));
      const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
      parts.push(svg("text", {x: x(i), y: HEIGHT - 4, "text-anchor": anchor,
        text: clockText(history.until - (count - 1 - i) * history.interval_ms)}));
    }
    const first = series[0];
    parts.push(svg("path", {class: `area-${first.tone ?? 1}`, d: areaOf(history[first.key], x, y)}));
    series.forEach((each, i) => parts.push(svg("path",
      {class: `series-${each.tone ?? i + 1}`, d: pathOf(history[each.key], x, y)})));
    const at = nearest(width);
    if (pointed !== null) parts.push(svg("line",
      {class: "cursor", x1: x(at), x2: x(at), y1: TOP, y2: HEIGHT - BOTTOM}));
    picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    picture.replaceChildren(...parts);
    series.forEach((each, i) => {
      const value = history[each.key][at];
      say(values[i], (value === null || value === undefined ? "–" : show(value))
        + (pointed === null ? "" : ` at ${clockText(history.until - (count - 1 - at) * history.interval_ms)}`));
    });
  }

  picture.addEventListener("pointermove", (event) => {
    pointed = event.clientX - picture.getBoundingClientRect().left;
    draw();
  });
  picture.addEventListener("pointerleave", () => { pointed = null; draw(); });
  new ResizeObserver(draw).observe(picture);
  return {element, update(next) { history = next; draw(); }};
}

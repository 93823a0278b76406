// Requests to the worker that served the page. Kafka Connect's own paths are used for everything
// they have; what they lack is under /fieldtrail.

// An address with credentials in it is none that may be fetched; the browser sends them by itself.
const base = new URL(".", document.baseURI);
base.username = base.password = "";

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function readMessage(response) {
  const text = await response.text();
  try {
    return JSON.parse(text).message || text;
  } catch {
    return text || `${response.status} ${response.statusText}`;
  }
}

export async function call(method, path, body) {
  const options = {method, headers: {Accept: "application/json"}, cache: "no-store"};
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(new URL(path, base), {...options, signal: AbortSignal.timeout(60000)});
  } catch (error) {
    throw new ApiError(error.name === "TimeoutError" ? "no answer within a minute"
      : "the worker does not answer", 0);
  }
  if (!response.ok) throw new ApiError(await readMessage(response), response.status);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

export const get = (path) => call("GET", path);

export function pathOf(name, ...rest) {
  return ["connectors", encodeURIComponent(name), ...rest].join("/");
}

export function detailOf(name) {
  return "fieldtrail/connectors/" + encodeURIComponent(name);
}

/** The page of another worker. Those of this machine are asked under the name that this one was. */
export function pageOf(id, own) {
  const at = id.lastIndexOf(":");
  const host = id.slice(0, at) === own.slice(0, own.lastIndexOf(":")) ? location.hostname : id.slice(0, at);
  return `${location.protocol}//${host}${id.slice(at)}/ui`;
}

// Creating and changing a connector: keys and values, checked by the worker while they are typed.
import {call, detailOf, get, pathOf} from "./api.js";
import {make, say} from "./dom.js";

const CHECK_AFTER_MS = 600;

const example = {
  "connector.class": "PostgresSink", topics: "", "connection.uri": "", table: "", "pivot.fields": "*"};

/** The names of values that the worker knows, for the browser to offer. */
function offers(id) {
  const list = make("datalist", {id});
  return {list, fill(names) {
    list.replaceChildren(...names.map((name) => make("option", {value: name})));
  }};
}

function makeField(form, key, value) {
  const name = make("input", {value: key, "aria-label": "Key", placeholder: "key", list: "keys",
    autocomplete: "off", spellcheck: "false"});
  const text = make("input", {value, class: "value", "aria-label": `Value of ${key || "the key"}`,
    placeholder: "value", autocomplete: "off", spellcheck: "false"});
  const doc = make("p", {class: "doc", hidden: true});
  const error = make("p", {class: "error", hidden: true, role: "alert"});
  const remove = make("button", {type: "button", class: "plain remove", text: "×",
    "aria-label": `Remove ${key || "this key"}`});
  const element = make("div", {class: "field"}, name, text, remove, error, doc);
  const field = {element, name, text, show(errors, documentation) {
    error.hidden = errors.length === 0;
    say(error, errors.join("; "));
    text.setAttribute("aria-invalid", errors.length > 0);
    field.documentation = documentation;
    say(doc, documentation ?? "");
  }};
  name.addEventListener("input", () => {
    text.setAttribute("aria-label", `Value of ${name.value}`);
    form.changed();
  });
  text.addEventListener("input", () => form.changed());
  element.addEventListener("focusin", () => { doc.hidden = !field.documentation; });
  element.addEventListener("focusout", () => { doc.hidden = true; });
  remove.addEventListener("click", () => form.drop(field));
  return field;
}

/** What is wrong with the value of a key, without key and value once more. */
function reasonsOf(found) {
  const {name, value, errors} = found.value;
  return errors.map((text) => {
    const at = text.indexOf(`${name}=${value}: `);
    return at < 0 ? text : text.slice(at + `${name}=${value}: `.length);
  });
}

/** Reads what was typed: an object, or {"name", "config"} as Kafka Connect's files have it. */
function readJson(text) {
  const found = JSON.parse(text);
  const config = found.config && typeof found.config === "object" ? found.config : found;
  if (typeof config !== "object" || Array.isArray(config)) throw new Error("it is no object");
  const values = {};
  for (const [key, value] of Object.entries(config))
    if (value !== null) values[key] = String(value);
  if (typeof found.name === "string" && found.config) values.name = found.name;
  return values;
}

/** `name` null: a new connector. `say`s what happened by `report(text, bad)`. */
export async function makeForm(name, report) {
  const keys = offers("keys");
  const fields = [];
  const box = make("div"), general = make("p", {class: "error", role: "alert"});
  const verdict = make("span", {class: "quiet", role: "status"});
  const title = name === null ? "New connector" : `Configuration of ${name}`;
  const nameInput = make("input", {id: "name", value: name ?? "", required: true,
    autocomplete: "off", spellcheck: "false"});
  const json = make("textarea", {"aria-label": "Configuration as JSON", spellcheck: "false", hidden: true});
  const asJson = make("button", {type: "button", text: "As JSON"});
  const submit = make("button", {class: "primary", text: name === null ? "Create" : "Save"});
  const add = make("button", {type: "button", text: "Add a key"});
  const form = {changed, drop};
  // Nobody is told what is missing before the first word.
  let timer = null, round = 0, touched = name !== null;

  function values() {
    if (!json.hidden) return readJson(json.value);
    const config = {};
    for (const field of fields)
      if (field.name.value.trim() !== "") config[field.name.value.trim()] = field.text.value;
    return config;
  }

  function whole() {
    const config = values();
    const given = name ?? (nameInput.value.trim() || config.name || "");
    return {...config, ...(given === "" ? {} : {name: given})};
  }

  function addField(key = "", value = "") {
    const field = makeField(form, key, value);
    fields.push(field);
    box.append(field.element);
    return field;
  }

  function fill(config) {
    fields.splice(0).forEach((field) => field.element.remove());
    for (const [key, value] of Object.entries(config))
      if (key !== "name") addField(key, value);
  }

  function drop(field) {
    const at = fields.indexOf(field);
    fields.splice(at, 1);
    field.element.remove();
    (fields[Math.min(at, fields.length - 1)]?.name ?? add).focus();
    changed();
  }

  function changed() {
    touched = true;
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_AFTER_MS);
  }

  function show(result) {
    const byKey = new Map(result.configs.map((each) => [each.value.name, each]));
    keys.fill(result.configs.map((each) => each.value.name));
    const shown = new Set(json.hidden ? fields.map((field) => field.name.value.trim()) : []);
    for (const field of fields) {
      const found = byKey.get(field.name.value.trim());
      field.show(touched && found ? reasonsOf(found) : [], found?.definition?.documentation);
    }
    if (!touched) return;
    const others = result.configs.filter((each) => each.value.errors.length > 0
      && !shown.has(each.value.name));
    say(general, others.map((each) => `${each.value.name}: ${reasonsOf(each).join("; ")}`).join("\n"));
    say(verdict, result.error_count === 0 ? "This configuration is valid."
      : `${result.error_count} error${result.error_count === 1 ? "" : "s"}`);
  }

  async function check() {
    const number = ++round;
    try {
      const config = whole();
      const kind = config["connector.class"];
      if (!kind) {
        say(verdict, "Say which connector.class it is.");
        return;
      }
      const result = await call("PUT",
        `connector-plugins/${encodeURIComponent(kind)}/config/validate`, config);
      if (number === round) show(result);
    } catch (error) {
      if (number !== round) return;
      say(verdict, "");
      say(general, error.message);
    }
  }

  asJson.addEventListener("click", () => {
    try {
      if (json.hidden) json.value = JSON.stringify(values(), null, 2);
      else fill(readJson(json.value));
    } catch (error) {
      say(general, `This is no JSON of a configuration: ${error.message}`);
      return;
    }
    json.hidden = !json.hidden;
    box.hidden = add.hidden = !json.hidden;
    say(asJson, json.hidden ? "As JSON" : "As fields");
    changed();
  });
  json.addEventListener("input", changed);
  json.addEventListener("blur", () => {
    try {
      json.value = JSON.stringify(JSON.parse(json.value), null, 2);
    } catch {
      // It is checked, and said what is wrong with it, as it is.
    }
  });
  nameInput.addEventListener("input", changed);
  add.addEventListener("click", () => addField().name.focus());

  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    try {
      const config = whole();
      if (!config.name) throw new Error("The connector needs a name.");
      if (name === null) await call("POST", "connectors", {name: config.name, config});
      else await call("PUT", pathOf(name, "config"), config);
      report(name === null ? `${config.name} was created` : `${name} was changed`, false);
      location.hash = "#/c/" + encodeURIComponent(config.name);
    } catch (error) {
      say(general, error.message);
      report(error.message, true);
    }
    submit.disabled = false;
  }

  const element = make("form", {class: "form", onsubmit: send, autocomplete: "off"},
    make("a", {class: "back", href: "#/", text: "← all connectors"}),
    make("div", {class: "title"}, make("h1", {text: title})),
    make("p", {class: "quiet", text: "Secrets are best written as ${env:NAME} or ${file:/path:key}; "
      + "literal ones are shown as [hidden], and stay what they are where that is left standing."}),
    name === null ? make("label", {text: "Name"}, nameInput) : null, keys.list, box, json,
    make("div", {class: "bar"}, add, asJson), general,
    make("div", {class: "bar"}, submit, make("a", {class: "button", text: "Cancel",
      href: name === null ? "#/" : "#/c/" + encodeURIComponent(name)}), verdict));
  fill(name === null ? example : (await get(detailOf(name))).config);
  check();
  return {element, async update() {}, first: name === null ? nameInput : fields[0]?.text,
    end() { clearTimeout(timer); round++; }};
}

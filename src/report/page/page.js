// The parts of the page that need a script: the table of all accounts, its filters, and the choice of light and dark.
// Text is inserted as text nodes only; the content-security policy refuses everything else.
"use strict";

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const { outcomes, readings, states, units, causes, roles, rows } = data;

// The indexes in a row, in the order in which data.rs writes them.
const [ID, NAME, EMAIL, UNIT, STATE, OUTCOME, BEFORE, WANTED, NOW, CAUSE, WORDS, CALLS, THROTTLED, WAVE, START, TOOK, ROLE, REQUEST, PROOF, NOTE, ISSUED, REGIONAL, GLOBAL] =
  Array(23).keys();

const make = (name, text, attributes = {}) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const number = (count) => count.toLocaleString("en");
const seconds = (milliseconds) =>
  milliseconds === null ? "" : milliseconds < 1000 ? `${milliseconds}ms` : `${(milliseconds / 1000).toFixed(1)}s`;
const unitName = (row) => (row[UNIT] < 0 ? "" : units[row[UNIT]][1]);
// The path of ids, and the path of names if it is known.
const unitPaths = (row) => (row[UNIT] < 0 ? ["", ""] : [units[row[UNIT]][0], units[row[UNIT]][4]]);
const causeName = (row) => (row[CAUSE] < 0 ? "" : `${causes[row[CAUSE]][1]}: ${causes[row[CAUSE]][2]}`);
const version = (row) => {
  const [before, now] = [readings[row[BEFORE]] ?? "", readings[row[NOW]] ?? ""];
  return before === now ? now : `${before || "?"} → ${now || "?"}`;
};
// A row's message is the text of its cause, with this row's ids between the parts.
const message = (row) => {
  if (row[CAUSE] < 0) return "";
  const words = row[WORDS] || [];
  return causes[row[CAUSE]][3].reduce((text, part, at) => text + (words[at - 1] || row[ID]) + part);
};

const columns = [
  ["id", "Account", (row) => row[ID]],
  ["name", "Name", (row) => row[NAME]],
  ["ou", "OU", unitName],
  ["outcome", "Outcome", (row) => outcomes[row[OUTCOME]], (row) => row[OUTCOME]],
  ["cause", "Cause", causeName],
  ["now", "Version", version],
  ["wave", "Wave", (row) => row[WAVE] || "", (row) => row[WAVE] || Infinity],
  ["took", "Duration", (row) => seconds(row[TOOK]), (row) => row[TOOK] ?? -1],
];

// --- Filters ---------------------------------------------------------------------------------------------------------

const filters = { find: byId("find"), outcome: byId("outcome"), cause: byId("cause"), ou: byId("ou"), wave: byId("wave") };
let order = { column: 0, down: false };
let shown = rows;
let texts = null; // The texts that the search looks through, one for each row; made at the first search.

const options = (select, entries) => {
  select.replaceChildren(make("option", "all", { value: "" }));
  for (const [value, text] of entries) select.append(make("option", text, { value }));
  if (!entries.length) select.closest("label").hidden = true;
};

const count = (place) => {
  const counts = new Map();
  for (const row of rows) counts.set(row[place], (counts.get(row[place]) ?? 0) + 1);
  return counts;
};

const fill = () => {
  const [byOutcome, byWave] = [count(OUTCOME), count(WAVE)];
  options(filters.outcome, outcomes.flatMap((word, at) => (byOutcome.has(at) ? [[word, `${word} (${number(byOutcome.get(at))})`]] : [])));
  options(filters.cause, causes.map(([outcome, stage, code, , , size], at) => [at, `${outcomes[outcome]} at ${stage}: ${code} (${number(size)})`]));
  options(filters.ou, units.map(([, name, depth, size], at) => [at, `${"\u00a0\u00a0".repeat(depth)}${name} (${number(size)})`]));
  const waves = [...byWave.keys()].filter(Boolean).sort((one, other) => one - other);
  options(filters.wave, waves.map((wave) => [wave, `${wave} (${number(byWave.get(wave))})`]));
};

const searchable = (row) =>
  [row[ID], row[NAME], row[EMAIL], ...unitPaths(row), outcomes[row[OUTCOME]], causeName(row), message(row), row[REQUEST]].join("\n").toLowerCase();

const select = () => {
  const words = filters.find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const outcome = filters.outcome.value && outcomes.indexOf(filters.outcome.value);
  const [cause, wave] = [filters.cause.value, filters.wave.value];
  const unit = filters.ou.value && units[filters.ou.value][0];
  const below = units.map(([path]) => (unit ? path.startsWith(unit) : path === unit));
  if (words.length) texts ??= rows.map(searchable);
  const keep = (row, at) =>
    (outcome === "" || row[OUTCOME] === outcome) &&
    (cause === "" || row[CAUSE] === +cause) &&
    (wave === "" || row[WAVE] === +wave) &&
    (filters.ou.value === "" || below[row[UNIT]]) &&
    words.every((word) => texts[at].includes(word));
  shown = rows.filter(keep);
  const [, , text, key = text] = columns[order.column];
  const keyed = shown.map((row) => [key(row), row]);
  const sign = order.down ? -1 : 1;
  // Rows come sorted by account id, and sorting is stable.
  keyed.sort(([one], [other]) => (one < other ? -sign : one > other ? sign : 0));
  shown = keyed.map(([, row]) => row);
  byId("status").textContent = `${number(shown.length)} of ${number(rows.length)} accounts`;
  view.scrollTop = 0;
  draw(true);
};

// --- The table: only visible rows are in the document --------------------------------------------------------------

const [view, table] = [byId("window"), byId("rows")];
const body = table.tBodies[0];
const SPARE = 10;
let drawn = [0, 0];

const line = (row, at) => {
  const tr = make("tr", undefined, { "aria-rowindex": at + 2 });
  for (const [name, , text] of columns) {
    const cell = make(name === "id" ? "th" : "td", undefined, { class: `c-${name}` });
    if (name === "id") {
      cell.scope = "row";
      cell.append(make("button", row[ID], { type: "button", class: "id", "aria-haspopup": "dialog" }));
      cell.firstChild.onclick = () => explain(row);
    } else if (name === "outcome") {
      cell.append(make("span", text(row), { class: `of ${text(row)}` }));
    } else {
      cell.append(make("bdi", text(row)));
      cell.title = name === "cause" && row[CAUSE] >= 0 ? message(row) : text(row);
    }
    tr.append(cell);
  }
  return tr;
};

const gap = (height) => {
  const tr = make("tr", undefined, { class: "gap", "aria-hidden": "true" });
  const cell = make("td");
  cell.style.height = `${height}px`;
  tr.append(cell);
  return tr;
};

const draw = (force, all = false) => {
  const height = body.querySelector("tr:not(.gap)")?.offsetHeight || 36;
  const first = all ? 0 : Math.max(0, Math.floor(view.scrollTop / height) - SPARE);
  const last = all ? Math.min(shown.length, 1000) : Math.min(shown.length, first + Math.ceil(view.clientHeight / height) + 2 * SPARE);
  if (!force && first === drawn[0] && last === drawn[1]) return;
  drawn = [first, last];
  const held = document.activeElement?.closest("#rows tbody tr")?.getAttribute("aria-rowindex");
  const lines = shown.slice(first, last).map((row, at) => line(row, first + at));
  body.replaceChildren(gap(first * height), ...lines, gap(all ? 0 : (shown.length - last) * height));
  table.setAttribute("aria-rowcount", shown.length + 1);
  // Scrolling must not take the focus from a row.
  if (held && !force) body.querySelector(`tr[aria-rowindex="${held}"] button`)?.focus({ preventScroll: true });
};

const head = () => {
  const cells = columns.map(([name, title], at) => {
    const th = make("th", undefined, { scope: "col", class: `c-${name}` });
    if (at === order.column) th.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    const button = make("button", title, { type: "button" });
    button.onclick = () => {
      order = { column: at, down: at === order.column && !order.down };
      head();
      table.tHead.querySelectorAll("button")[at].focus();
      select();
    };
    th.append(button);
    return th;
  });
  table.tHead.rows[0].replaceChildren(...cells);
};

// --- All columns of one account -------------------------------------------------------------------------------------

const explain = (row) => {
  const cause = causes[row[CAUSE]];
  const started = row[START] === null ? "" : new Date(data.start + row[START]).toISOString();
  const facts = [
    ["Account", row[ID]], ["Name", row[NAME]], ["E-mail", row[EMAIL]], ["State", states[row[STATE]]],
    ["Outcome", outcomes[row[OUTCOME]]], ["Stage", cause?.[1]], ["Error code", cause?.[2]],
    ["Message", message(row), true], ["What to do", cause?.[4] || row[NOTE], true],
    ["OU", unitPaths(row)[1], true], ["OU ids", unitPaths(row)[0], true],
    ["Previous version", readings[row[BEFORE]]], ["Target version", readings[row[WANTED]]], ["Current version", readings[row[NOW]]],
    ["Issued version", row[ISSUED]], ["Regional token size", row[REGIONAL]], ["Global token size", row[GLOBAL]],
    ["Verified by", row[PROOF]], ["Wave", row[WAVE]], ["Calls", row[CALLS]], ["Calls throttled", row[THROTTLED]],
    ["Started", started], ["Duration", seconds(row[TOOK])],
    ["Role", row[ROLE] < 0 ? "" : roles[row[ROLE]].join(row[ID]), true], ["Request id", row[REQUEST], true],
  ];
  const list = byId("detail").querySelector("dl");
  list.replaceChildren();
  for (const [name, fact, long] of facts) {
    if (!fact) continue;
    const entry = make("div", undefined, long ? { class: "long" } : {});
    const value = make("dd");
    value.append(make("bdi", fact));
    entry.append(make("dt", name), value);
    list.append(entry);
  }
  byId("detail-title").textContent = row[NAME] || row[ID];
  byId("detail").showModal();
};

// --- Links into the table: #cause=3, #ou=7&outcome=failed -------------------------------------------------------------

const fromLink = () => {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (![...wanted.keys()].some((name) => name in filters)) return false;
  for (const [name, field] of Object.entries(filters)) {
    field.value = wanted.get(name) ?? "";
    if (field.value !== (wanted.get(name) ?? "")) field.value = "";
  }
  select();
  return true;
};

const toLink = () => {
  const set = Object.entries(filters).filter(([, field]) => field.value);
  const hash = new URLSearchParams(set.map(([name, field]) => [name, field.value]));
  // Some browsers refuse to change the address in a sandbox, or after many changes; the table works without it.
  try { history.replaceState(null, "", `#${hash}`); } catch { /* The address stays as it is. */ }
};

const follow = () => {
  if (!fromLink()) return;
  byId("accounts").focus({ preventScroll: true });
  byId("explorer").scrollIntoView();
};

// --- Light and dark ---------------------------------------------------------------------------------------------------

const theme = () => {
  const button = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const say = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
  button.onclick = () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("v2token-theme", document.documentElement.dataset.theme); } catch { /* A sandbox has no storage. */ }
    say();
  };
  try {
    const kept = localStorage.getItem("v2token-theme");
    if (["light", "dark"].includes(kept)) document.documentElement.dataset.theme = kept;
  } catch { /* A sandbox has no storage. */ }
  system.onchange = say;
  say();
  button.hidden = false;
};

// --- Start ------------------------------------------------------------------------------------------------------------

byId("no-script").hidden = true;
byId("explorer").hidden = false;
theme();
fill();
head();
select();
follow();

let waiting = 0;
const later = (after) => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { select(); toLink(); }, after);
};
byId("filters").oninput = (event) => later(event.target === filters.find ? 120 : 0);
byId("filters").onsubmit = (event) => event.preventDefault();
byId("filters").onreset = () => later(0);
let frame = 0;
view.onscroll = () => { frame ||= requestAnimationFrame(() => { frame = 0; draw(false); }); };
onresize = () => draw(false);
onhashchange = follow;
onbeforeprint = () => {
  draw(true, true);
  byId("print-note").hidden = shown.length <= 1000;
  byId("print-note").textContent = `The first 1,000 of ${number(shown.length)} accounts; all of them are in report.csv.`;
};
onafterprint = () => { byId("print-note").hidden = true; draw(true); };

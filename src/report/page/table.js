// The table of accounts with its filters, for every page. The script of a page comes after it, and has the columns, the filters and the
// facts of an account; it ends with start(). Text is inserted as text nodes only; the content-security policy refuses everything else.
"use strict";

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const { rows } = data;

// Every row begins with the account's id and name.
const [ID, NAME] = [0, 1];

const make = (name, text, attributes = {}) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const number = (count) => count.toLocaleString("en");

// --- Filters ---------------------------------------------------------------------------------------------------------

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

// The options of the words that occur in a column, with the number of their rows.
const counted = (words, place) => {
  const counts = count(place);
  return words.flatMap((word, at) => (counts.has(at) ? [[word, `${word} (${number(counts.get(at))})`]] : []));
};

let order = { column: 0, down: false };
let shown = []; // The rows that the filters keep, in order, each with its sort key and its index.
let texts = null; // The texts that the search looks through, one for each row; made at the first search.

const select = () => {
  const words = filters.find.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) texts ??= rows.map((row, at) => searchable(row, at).join("\n").toLowerCase());
  const matches = filter();
  const [, , text, key = text] = columns[order.column];
  const keep = (row, at) => matches(row) && words.every((word) => texts[at].includes(word));
  shown = rows.flatMap((row, at) => (keep(row, at) ? [[key(row), row, at]] : []));
  const sign = order.down ? -1 : 1;
  // Rows come sorted by account id, and sorting is stable.
  shown.sort(([one], [other]) => (one < other ? -sign : one > other ? sign : 0));
  byId("status").textContent = `${number(shown.length)} of ${number(rows.length)} accounts`;
  view.scrollTop = 0;
  draw(true);
};

// --- The table: only visible rows are in the document --------------------------------------------------------------

const [view, table] = [byId("window"), byId("rows")];
const body = table.tBodies[0];
const SPARE = 10;
let drawn = [0, 0];

const line = ([, row, at], index) => {
  const tr = make("tr", undefined, { "aria-rowindex": index + 2 });
  for (const [name, , text] of columns) {
    const cell = make(name === "id" ? "th" : "td", undefined, { class: `c-${name}` });
    if (name === "id") {
      cell.scope = "row";
      cell.append(make("button", row[ID], { type: "button", class: "id", "aria-haspopup": "dialog" }));
      cell.firstChild.onclick = () => explain(row, at);
    } else if (name === "outcome") {
      cell.append(make("span", text(row), { class: `of ${outcomeClass(row)}` }));
    } else {
      cell.append(make("bdi", text(row)));
      cell.title = (name === "cause" && causeTitle(row)) || text(row);
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
  const lines = shown.slice(first, last).map((entry, at) => line(entry, first + at));
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

// --- All that is known of one account -------------------------------------------------------------------------------

const explain = (row, at) => {
  const list = byId("detail").querySelector("dl");
  list.replaceChildren();
  for (const [name, fact, long] of facts(row, at)) {
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

// `inReport` names the file that has all rows, for a printed page, which has the first 1,000.
const start = (inReport) => {
  byId("no-script").hidden = true;
  byId("explorer").hidden = false;
  theme();
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
    byId("print-note").textContent = `The first 1,000 of ${number(shown.length)} accounts; all of them are in ${inReport}.`;
  };
  onafterprint = () => { byId("print-note").hidden = true; draw(true); };
};

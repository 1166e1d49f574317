// The parts of the page that need a script: the table of all accounts, its filters, and the details of an account.
// Text is inserted as text nodes only; the content-security policy refuses everything else.
"use strict";

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const { verdicts, classes, units, rows, principals } = data;

// The indexes in a row, in the order in which page.rs writes them.
const [ID, NAME, EMAIL, UNIT, STATE, VERDICT, VERSION, REGIONS, CALLS, WHO, NOW, THEN, GUESS, COVERAGE, SOURCE, CODE, MESSAGE, HINT] =
  Array(18).keys();

const make = (name, text, attributes = {}) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const number = (count) => count.toLocaleString("en");
const expected = (size, guess) => (size === null ? "" : guess ? `about ${size}` : `${size}`);

const columns = [
  ["id", "Account", (row) => row[ID]],
  ["name", "Name", (row) => row[NAME]],
  ["ou", "OU", (row) => units[row[UNIT]]],
  ["outcome", "Verdict", (row) => verdicts[row[VERDICT]], (row) => row[VERDICT]],
  ["now", "Version", (row) => row[VERSION]],
  ["took", "Sessions", (row) => number(row[CALLS]), (row) => row[CALLS]],
  ["wave", "Who", (row) => number(row[WHO]), (row) => row[WHO]],
  ["cause", "Coverage", (row) => row[COVERAGE]],
];

// The principals of each account, by the index of its row.
const own = new Map();
for (const principal of principals) {
  if (!own.has(principal[0])) own.set(principal[0], []);
  own.get(principal[0]).push(principal);
}

const filters = { find: byId("find"), verdict: byId("verdict"), ou: byId("ou") };
let order = { column: 3, down: false };
let shown = [];
let texts = null; // The texts that the search looks through, one for each row; made at the first search.

const options = (select, entries) => {
  select.replaceChildren(make("option", "all", { value: "" }));
  for (const [value, text] of entries) select.append(make("option", text, { value }));
};

const count = (place) => {
  const counts = new Map();
  for (const row of rows) counts.set(row[place], (counts.get(row[place]) ?? 0) + 1);
  return counts;
};

const fill = () => {
  const [byVerdict, byUnit] = [count(VERDICT), count(UNIT)];
  options(filters.verdict, verdicts.flatMap((word, at) => (byVerdict.has(at) ? [[word, `${word} (${number(byVerdict.get(at))})`]] : [])));
  options(filters.ou, units.map((path, at) => [at, `${path || "not known"} (${number(byUnit.get(at) ?? 0)})`]));
};

const searchable = (row, at) =>
  [row[ID], row[NAME], row[EMAIL], units[row[UNIT]], verdicts[row[VERDICT]], row[HINT], row[CODE], ...(own.get(at) ?? []).flatMap(([, who, program]) => [who, program])]
    .join("\n")
    .toLowerCase();

const select = () => {
  const words = filters.find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const verdict = filters.verdict.value && verdicts.indexOf(filters.verdict.value);
  if (words.length) texts ??= rows.map(searchable);
  const keep = (row, at) =>
    (verdict === "" || row[VERDICT] === verdict) &&
    (filters.ou.value === "" || row[UNIT] === +filters.ou.value) &&
    words.every((word) => texts[at].includes(word));
  const [, , text, key = text] = columns[order.column];
  const sign = order.down ? -1 : 1;
  shown = rows.flatMap((row, at) => (keep(row, at) ? [[key(row), row, at]] : []));
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
      cell.append(make("span", text(row), { class: `of ${classes[row[VERDICT]]}` }));
    } else {
      cell.append(make("bdi", text(row)));
      cell.title = name === "cause" ? row[HINT] || text(row) : text(row);
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

const draw = (force) => {
  const height = body.querySelector("tr:not(.gap)")?.offsetHeight || 36;
  const first = Math.max(0, Math.floor(view.scrollTop / height) - SPARE);
  const last = Math.min(shown.length, first + Math.ceil(view.clientHeight / height) + 2 * SPARE);
  if (!force && first === drawn[0] && last === drawn[1]) return;
  drawn = [first, last];
  const held = document.activeElement?.closest("#rows tbody tr")?.getAttribute("aria-rowindex");
  const lines = shown.slice(first, last).map((entry, at) => line(entry, first + at));
  body.replaceChildren(gap(first * height), ...lines, gap((shown.length - last) * height));
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

// --- All that is known of one account -----------------------------------------------------------------------------------

const explain = (row, at) => {
  const who = (own.get(at) ?? []).map(([, principal, program, operation, calls, first, last, now, then, guess, limits, issuer]) => [
    principal,
    `${program}; ${operation}; ${number(calls)} sessions from ${first} to ${last}; ${now ?? "?"} characters now, ${expected(then, guess) || "?"} expected${limits ? `, which crosses ${limits}` : ""}${issuer === row[ID] ? "" : `; counts in account ${issuer}`}`,
    true,
  ]);
  const facts = [
    ["Account", row[ID]], ["Name", row[NAME]], ["E-mail", row[EMAIL]], ["State", row[STATE]], ["Verdict", verdicts[row[VERDICT]]],
    ["Current version", row[VERSION]], ["Opt-in Regions", row[REGIONS]], ["Sessions of the global endpoint", number(row[CALLS])],
    ["Largest token", row[NOW] ?? ""], ["Expected token", expected(row[THEN], row[GUESS])], ["Coverage", row[COVERAGE]], ["Source", row[SOURCE]],
    ["Error code", row[CODE]], ["Message", row[MESSAGE], true], ["What to know", row[HINT], true], ["OU", units[row[UNIT]], true],
    ...who,
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

// --- Links into the table: #verdict=unknown&ou=7 ------------------------------------------------------------------------

const follow = () => {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (![...wanted.keys()].some((name) => name in filters)) return;
  for (const [name, field] of Object.entries(filters)) field.value = wanted.get(name) ?? "";
  select();
  byId("accounts").focus({ preventScroll: true });
  byId("explorer").scrollIntoView();
};

byId("no-script").hidden = true;
byId("explorer").hidden = false;
fill();
head();
select();
follow();

let waiting = 0;
const later = (after) => {
  clearTimeout(waiting);
  waiting = setTimeout(select, after);
};
byId("filters").oninput = (event) => later(event.target === filters.find ? 120 : 0);
byId("filters").onsubmit = (event) => event.preventDefault();
byId("filters").onreset = () => later(0);
let frame = 0;
view.onscroll = () => { frame ||= requestAnimationFrame(() => { frame = 0; draw(false); }); };
onresize = () => draw(false);
onhashchange = follow;

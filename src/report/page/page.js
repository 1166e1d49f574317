// The columns, the filters and the facts of an account on the page of a run.

const { outcomes, readings, states, units, causes, roles } = data;

// The indexes in a row after the id and the name, in the order in which data.rs writes them.
const [, , EMAIL, UNIT, STATE, OUTCOME, BEFORE, WANTED, NOW, CAUSE, WORDS, CALLS, THROTTLED, WAVE, START, TOOK, ROLE, REQUEST, PROOF, NOTE, ISSUED, REGIONAL, GLOBAL] =
  Array(23).keys();

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
const outcomeClass = (row) => outcomes[row[OUTCOME]];
const causeTitle = message;

const filters = { find: byId("find"), outcome: byId("outcome"), cause: byId("cause"), ou: byId("ou"), wave: byId("wave") };
options(filters.outcome, counted(outcomes, OUTCOME));
options(filters.cause, causes.map(([outcome, stage, code, , , size], at) => [at, `${outcomes[outcome]} at ${stage}: ${code} (${number(size)})`]));
options(filters.ou, units.map(([, name, depth, size], at) => [at, `${"\u00a0\u00a0".repeat(depth)}${name} (${number(size)})`]));
const byWave = count(WAVE);
const waves = [...byWave.keys()].filter(Boolean).sort((one, other) => one - other);
options(filters.wave, waves.map((wave) => [wave, `${wave} (${number(byWave.get(wave))})`]));

const searchable = (row) =>
  [row[ID], row[NAME], row[EMAIL], ...unitPaths(row), outcomes[row[OUTCOME]], causeName(row), message(row), row[REQUEST]];

const filter = () => {
  const outcome = filters.outcome.value && outcomes.indexOf(filters.outcome.value);
  const [cause, wave] = [filters.cause.value, filters.wave.value];
  const unit = filters.ou.value && units[filters.ou.value][0];
  const below = units.map(([path]) => (unit ? path.startsWith(unit) : path === unit));
  return (row) =>
    (outcome === "" || row[OUTCOME] === outcome) &&
    (cause === "" || row[CAUSE] === +cause) &&
    (wave === "" || row[WAVE] === +wave) &&
    (filters.ou.value === "" || below[row[UNIT]]);
};

const facts = (row) => {
  const cause = causes[row[CAUSE]];
  const started = row[START] === null ? "" : new Date(data.start + row[START]).toISOString();
  return [
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
};

start("report.csv");

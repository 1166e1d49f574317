// The columns, the filters and the facts of an account on the page of an impact.

const { verdicts, classes, units, principals } = data;

// The indexes in a row after the id and the name, in the order in which page.rs writes them.
const [, , EMAIL, UNIT, STATE, VERDICT, VERSION, REGIONS, CALLS, WHO, NOW, THEN, GUESS, COVERAGE, SOURCE, CODE, MESSAGE, HINT] =
  Array(18).keys();

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
const outcomeClass = (row) => classes[row[VERDICT]];
const causeTitle = (row) => row[HINT];
order.column = 3;

// The principals of each account, by the index of its row.
const own = new Map();
for (const principal of principals) {
  if (!own.has(principal[0])) own.set(principal[0], []);
  own.get(principal[0]).push(principal);
}

const filters = { find: byId("find"), verdict: byId("verdict"), ou: byId("ou") };
options(filters.verdict, counted(verdicts, VERDICT));
const byUnit = count(UNIT);
options(filters.ou, units.map((path, at) => [at, `${path || "not known"} (${number(byUnit.get(at) ?? 0)})`]));

const searchable = (row, at) => [
  row[ID], row[NAME], row[EMAIL], units[row[UNIT]], verdicts[row[VERDICT]], row[HINT], row[CODE],
  ...(own.get(at) ?? []).flatMap(([, who, program]) => [who, program]),
];

const filter = () => {
  const verdict = filters.verdict.value && verdicts.indexOf(filters.verdict.value);
  return (row) =>
    (verdict === "" || row[VERDICT] === verdict) && (filters.ou.value === "" || row[UNIT] === +filters.ou.value);
};

const facts = (row, at) => {
  const who = (own.get(at) ?? []).map(([, principal, program, operation, calls, first, last, now, then, guess, limits, issuer]) => [
    principal,
    `${program}; ${operation}; ${number(calls)} sessions from ${first} to ${last}; ${now ?? "?"} characters now, ${expected(then, guess) || "?"} expected${limits ? `, which crosses ${limits}` : ""}${issuer === row[ID] ? "" : `; counts in account ${issuer}`}`,
    true,
  ]);
  return [
    ["Account", row[ID]], ["Name", row[NAME]], ["E-mail", row[EMAIL]], ["State", row[STATE]], ["Verdict", verdicts[row[VERDICT]]],
    ["Current version", row[VERSION]], ["Opt-in Regions", row[REGIONS]], ["Sessions of the global endpoint", number(row[CALLS])],
    ["Largest token", row[NOW] ?? ""], ["Expected token", expected(row[THEN], row[GUESS])], ["Coverage", row[COVERAGE]], ["Source", row[SOURCE]],
    ["Error code", row[CODE]], ["Message", row[MESSAGE], true], ["What to know", row[HINT], true], ["OU", units[row[UNIT]], true],
    ...who,
  ];
};

start("impact.csv");

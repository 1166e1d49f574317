//! Realistic and hostile account names.

const SYSTEMS: &[&str] = &[
    "payments",
    "Platform",
    "data-lake",
    "checkout",
    "identity",
    "Billing",
    "search",
    "Logistics",
    "crm",
    "web-shop",
    "mobile-api",
    "Analytics",
    "fraud-detection",
    "inventory",
    "hr-portal",
    "ml-training",
    "Observability",
    "partner-gateway",
    "catalog",
    "iot-fleet",
];

const STAGES: &[(&str, &str)] = &[
    ("prod", "Workloads/Prod"),
    ("staging", "Workloads/NonProd/Staging"),
    ("dev", "Workloads/NonProd/Dev"),
    ("test", "Workloads/NonProd/Test"),
];

const DIVISIONS: &[&str] = &["", "/Retail", "/Retail/EU", "/Retail/EU/Critical", "/Data", "/Data/US"];

/// The accounts of every landing zone, with their units.
const FOUNDATION: &[(&str, &str)] = &[
    ("Log Archive", "Security"),
    ("Audit", "Security"),
    ("Security Tooling", "Security"),
    ("Network-Hub", "Infrastructure/Network"),
    ("Shared Services", "Infrastructure"),
    ("Backup", "Infrastructure"),
];

/// Account names that attack terminals, spreadsheets, web pages, CSV fields and lines.
///
/// All of these names are possible, because Organizations accepts up to 50 characters of almost any kind.
pub const HOSTILE_NAMES: &[&str] = &[
    "=HYPERLINK(\"http://evil.example\",\"Prod\")",
    "\u{1b}[2J\u{1b}[1;1Hall good",
    "<script>alert(1)</script>",
    "prod\u{202e}tset",
    "two\nlines",
    "carriage\rreturn",
    "ÄÖÜ漢字かな한글👩‍🚀éñçøåßþðЖДЯΩΨλγابجדהוกขค🦀🦀🦀🦀🦀🦀🦀",
    "\"quoted\", with, 'commas'",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "tab\there",
    "-1+2",
    "a;=1+1;\"@SUM(1)\"",
    "  spaces  ",
    "\u{0}null\u{7f}",
    "\\\\share\\..\\x",
    "$(reboot)`id`;rm -rf /",
    "{{template}} %s %n",
];

/// Returns a name that no other account of the organization has, and the units in which the account is.
pub(crate) fn realistic(index: usize, dice: &mut fastrand::Rng) -> (String, String) {
    if let Some((name, unit)) = FOUNDATION.get(index) {
        return ((*name).to_owned(), (*unit).to_owned());
    }
    if index % 11 == 3 {
        return (
            format!("sandbox-{}-{index}", SYSTEMS[dice.usize(..SYSTEMS.len())].to_lowercase()),
            "Sandbox".to_owned(),
        );
    }
    let system = SYSTEMS[index / STAGES.len() % SYSTEMS.len()];
    let (stage, unit) = STAGES[index % STAGES.len()];
    let division = if stage == "prod" { DIVISIONS[dice.usize(..DIVISIONS.len())] } else { "" };
    // A capitalised system gets a capitalised stage, as if two teams had two conventions.
    let stage = if system.starts_with(char::is_uppercase) {
        format!("{}{}", stage[..1].to_uppercase(), &stage[1..])
    } else {
        stage.to_owned()
    };
    let round = index / (STAGES.len() * SYSTEMS.len());
    let name = if round == 0 { format!("{system}-{stage}") } else { format!("{system}-{stage}-{:02}", round + 1) };
    (name, format!("{unit}{division}"))
}

/// Returns the e-mail address for a name. It is unique because the index is unique.
pub(crate) fn email(name: &str, index: usize) -> String {
    let slug: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    format!("aws+{}-{index}@corp.example", slug.trim_matches('-'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_short_enough() {
        let mut dice = fastrand::Rng::with_seed(1);
        let names: HashSet<String> = (0..5_000).map(|index| realistic(index, &mut dice).0).collect();
        assert_eq!(names.len(), 5_000);
        for name in names.iter().map(String::as_str).chain(HOSTILE_NAMES.iter().copied()) {
            assert!(name.chars().count() <= 50, "{name}");
        }
    }
}

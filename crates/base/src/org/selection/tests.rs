//! Tests of the selection: a tree five OUs deep, with accounts in all states.

use super::*;
use crate::org::{AccountAttributes, AccountState};

fn id(number: u64) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

const MANAGEMENT: u64 = 1;

fn management_account() -> ManagementAccount {
    ManagementAccount { id: id(MANAGEMENT), skip_reason: None }
}

/// The paths of the root and of five nested OUs.
const PATHS: [&str; 6] = [
    "o-x/r-ab/",
    "o-x/r-ab/ou-ab-one/",
    "o-x/r-ab/ou-ab-one/ou-ab-two (Two)/",
    "o-x/r-ab/ou-ab-one/ou-ab-two (Two)/ou-ab-three/",
    "o-x/r-ab/ou-ab-one/ou-ab-two (Two)/ou-ab-three/ou-ab-four/",
    "o-x/r-ab/ou-ab-one/ou-ab-two (Two)/ou-ab-three/ou-ab-four/ou-ab-five/",
];

/// Each row has the account's name, the index of its path in `PATHS`, its state and its tags. The ids of the accounts are counted
/// from 1.
fn organization() -> (Vec<Account>, Tags) {
    use AccountState::{Absent, Active, Closed, Other, PendingActivation, PendingClosure, Suspended};
    let rows: [(&str, usize, AccountState, &[&str]); 12] = [
        ("management", 0, Active, &["env=shared"]),
        ("prod-web", 1, Active, &["env=prod", "team=web"]),
        ("prod-db", 2, Active, &["env=prod"]),
        ("dev-web", 3, Active, &["env=dev", "team=web"]),
        ("dev-db", 4, Active, &["env=dev"]),
        ("sandbox", 5, Active, &[]),
        ("prod-old", 2, Suspended, &["env=prod"]),
        ("closed", 3, Closed, &[]),
        ("closing", 4, PendingClosure, &[]),
        ("fresh", 5, PendingActivation, &[]),
        ("odd", 1, Other("FROZEN".into()), &[]),
        ("mute", 1, Absent, &[]),
    ];
    let mut tags = Tags::new();
    let accounts = rows
        .into_iter()
        .zip(1..)
        .map(|((name, depth, state, of_account), number)| {
            tags.insert(id(number), of_account.iter().map(|tag| tag.parse().unwrap()).collect());
            Account {
                id: id(number),
                name: name.into(),
                email: Box::default(),
                attributes: AccountAttributes { state, ou_path: PATHS[depth].into(), ..Default::default() }.into(),
                joined_at: None,
            }
        })
        .collect();
    (accounts, tags)
}

fn kinds(accounts: &[u64], ous: &[&str], names: &[&str], tags: &[&str]) -> Criteria {
    Criteria {
        accounts: accounts.iter().copied().map(id).collect(),
        ous: ous.iter().map(|ou| ou.parse().unwrap()).collect(),
        ou_names: BTreeSet::new(),
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
    }
}

fn including(include: Criteria) -> Selection {
    Selection { include, ..Selection::default() }
}

fn excluding(exclude: Criteria) -> Selection {
    Selection { exclude, ..Selection::default() }
}

fn targets(selection: &Selection) -> Vec<u64> {
    let (accounts, tags) = organization();
    let selected = select(&accounts, management_account(), selection, &tags, None).unwrap();
    assert_eq!(selected.targets.len() + selected.skipped.len(), accounts.len());
    selected.targets.iter().map(|account| account.id.number()).collect()
}

fn code(selection: &Selection, number: u64) -> &'static str {
    let (accounts, tags) = organization();
    let selected = select(&accounts, management_account(), selection, &tags, None).unwrap();
    selected.skipped.iter().find(|(account, _)| account.id == id(number)).map_or("", |(_, reason)| reason.code())
}

#[test]
fn only_active_accounts_are_visited_and_every_other_has_its_reason() {
    let everything = Selection::default();
    assert_eq!(targets(&everything), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        [7, 8, 9, 10, 11, 12].map(|number| code(&everything, number)),
        ["Suspended", "Closed", "PendingClosure", "PendingActivation", "UnknownState", "UnknownState"]
    );
}

#[test]
fn each_kind_selects_and_excludes() {
    let none = || kinds(&[], &[], &[], &[]);
    for (kinds, selected) in [
        (kinds(&[2, 4], &[], &[], &[]), &[2, 4][..]),
        (kinds(&[], &["r-ab"], &[], &[]), &[1, 2, 3, 4, 5, 6]),
        (kinds(&[], &["ou-ab-one"], &[], &[]), &[2, 3, 4, 5, 6]),
        (kinds(&[], &["ou-ab-two"], &[], &[]), &[3, 4, 5, 6]),
        (kinds(&[], &["ou-ab-five"], &[], &[]), &[6]),
        (kinds(&[], &[], &["prod-*"], &[]), &[2, 3]),
        (kinds(&[], &[], &["*-web"], &[]), &[2, 4]),
        (kinds(&[], &[], &[], &["env=prod"]), &[2, 3]),
        (kinds(&[], &[], &[], &["team=web"]), &[2, 4]),
        // In the next three rows, several values of one kind widen the selection.
        (kinds(&[], &["ou-ab-five", "ou-ab-four"], &[], &[]), &[5, 6]),
        (kinds(&[], &[], &["prod-web", "dev-web"], &[]), &[2, 4]),
        (kinds(&[], &[], &[], &["env=prod", "env=shared"]), &[1, 2, 3]),
        // In the last three rows, several kinds narrow the selection.
        (kinds(&[2, 3, 4], &["ou-ab-two"], &[], &[]), &[3, 4]),
        (kinds(&[], &["ou-ab-one"], &["*-web"], &["env=dev"]), &[4]),
        (kinds(&[3, 4], &["ou-ab-two"], &["dev-*", "prod-*"], &["env=dev", "env=prod"]), &[3, 4]),
    ] {
        assert_eq!(targets(&including(kinds.clone())), selected, "{kinds:?}");
        if [&kinds.accounts.is_empty(), &kinds.ous.is_empty(), &kinds.names.is_empty(), &kinds.tags.is_empty()]
            .into_iter()
            .filter(|empty| !**empty)
            .count()
            == 1
            && selected.len() < 6
        {
            let rest: Vec<u64> = (1..=6).filter(|number| !selected.contains(number)).collect();
            assert_eq!(targets(&excluding(kinds.clone())), rest, "without {kinds:?}");
        }
    }
    assert_eq!(targets(&including(none())), targets(&excluding(none())));
}

#[test]
fn exclusion_wins_over_inclusion_whatever_their_kinds() {
    let ways = [
        kinds(&[3], &[], &[], &[]),
        kinds(&[], &["ou-ab-two"], &[], &[]),
        kinds(&[], &[], &["prod-db"], &[]),
        kinds(&[], &[], &[], &["env=prod"]),
    ];
    for include in &ways {
        for exclude in &ways {
            let (accounts, tags) = organization();
            let selection = Selection { include: include.clone(), exclude: exclude.clone(), ..Selection::default() };
            let reason = match select(&accounts, management_account(), &selection, &tags, None) {
                Ok(selected) => selected.skipped.iter().find(|(account, _)| account.id == id(3)).unwrap().1.code(),
                Err(SelectionFailed::Empty { .. }) => "Excluded",
                Err(other) => panic!("{other}"),
            };
            assert_eq!(reason, "Excluded", "{include:?} without {exclude:?}");
        }
    }
}

#[test]
fn shards_are_disjoint_and_complete_and_may_be_empty() {
    let of = 5;
    let parts: Vec<Vec<u64>> = (0..of)
        .map(|index| {
            let shard = format!("{index}/{of}").parse().ok();
            targets(&Selection { shard, ..Selection::default() })
        })
        .collect();
    let mut all: Vec<u64> = parts.iter().flatten().copied().collect();
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4, 5, 6]);
    let shards = (0..100).map(|index| format!("{index}/100").parse().ok());
    assert!(shards.map(|shard| targets(&Selection { shard, ..Selection::default() })).any(|part| part.is_empty()));
}

#[test]
fn only_the_tags_that_decide_are_asked_for() {
    let (accounts, _) = organization();
    let open = |selection: &Selection| -> Vec<u64> {
        accounts_needing_tags(&accounts, management_account(), selection, None).iter().map(|id| id.number()).collect()
    };
    assert_eq!(open(&including(kinds(&[], &[], &[], &["env=prod"]))), [1, 2, 3, 4, 5, 6]);
    assert_eq!(open(&including(kinds(&[], &["ou-ab-two"], &["dev-*"], &["env=prod"]))), [4, 5]);
    assert_eq!(open(&excluding(kinds(&[2], &[], &[], &["env=prod"]))), [1, 3, 4, 5, 6]);
    assert!(!including(kinds(&[1], &["r-ab"], &["x"], &[])).needs_tags());
}

#[test]
fn an_earlier_run_restricts_and_newcomers_are_named() {
    let (accounts, tags) = organization();
    let only = Restriction {
        accounts: [id(2), id(7)].into(),
        listed: (1..12).map(id).collect(),
        unread: [id(4)].into(),
        reason: SkipReason::NotInPlan,
    };
    let selected = select(&accounts, management_account(), &Selection::default(), &tags, Some(&only)).unwrap();
    assert_eq!(selected.targets.iter().map(|account| account.id).collect::<Vec<_>>(), [id(2)]);
    let code = |number| selected.skipped.iter().find(|(account, _)| account.id == id(number)).unwrap().1.code();
    assert_eq!([code(1), code(7), code(4), code(12)], ["NotInPlan", "Suspended", "NotReadByPlan", "JoinedSince"]);
}

#[test]
fn the_management_account_can_be_left_out() {
    let (accounts, tags) = organization();
    let management_account =
        ManagementAccount { skip_reason: Some(SkipReason::ManagementAccount), ..management_account() };
    let selected = select(&accounts, management_account, &Selection::default(), &tags, None).unwrap();
    assert_eq!(selected.skipped[0].1, SkipReason::ManagementAccount);
}

#[test]
fn what_does_not_exist_is_named_with_a_suggestion() {
    let (accounts, _) = organization();
    let check = |selection: &Selection| {
        let missing = selection.units_without_accounts(&accounts);
        check_names(&accounts, selection, missing).map_err(|error| error.to_string())
    };
    assert_eq!(check(&including(kinds(&[2], &["r-ab", "ou-ab-three"], &[], &[]))), Ok(()));
    for (selection, message) in [
        (
            including(kinds(&[2, 21], &[], &[], &[])),
            "the Organization has no account 000000000021; did you mean 000000000001?",
        ),
        (
            excluding(kinds(&[700_000_000_000], &[], &[], &[])),
            "the Organization has no account 700000000000; did you mean 000000000001?",
        ),
        (
            including(kinds(&[], &["ou-ab-thre"], &[], &[])),
            "the Organization has no OU or root ou-ab-thre; did you mean ou-ab-three?",
        ),
        (
            excluding(kinds(&[], &["r-zzzz"], &[], &[])),
            "the Organization has no OU or root r-zzzz; those most like it are r-ab",
        ),
    ] {
        assert_eq!(check(&selection), Err(message.to_owned()));
    }
    let many = check(&including(kinds(&(100..110).collect::<Vec<_>>(), &[], &[], &[]))).unwrap_err();
    assert!(many.contains("000000000104 and 5 more"), "{many}");
}

#[test]
fn an_empty_selection_says_what_made_it_empty() {
    let (accounts, tags) = organization();
    let both = Selection {
        include: kinds(&[2, 3], &[], &[], &[]),
        exclude: kinds(&[], &["ou-ab-one"], &[], &[]),
        ..Selection::default()
    };
    for (selection, says) in [
        (
            including(kinds(&[7, 8], &[], &[], &[])),
            "of 12 accounts in the Organization, 2 are among the selected accounts, of these 0 are active and not left out",
        ),
        (
            including(kinds(&[2, 3], &["ou-ab-five"], &[], &[])),
            "2 are among the selected accounts, of these 0 are in the selected OUs",
        ),
        (including(kinds(&[], &[], &["prod-wab"], &[])), "0 have a name that matches --name; did you mean prod-web?"),
        (both, "2 are among the selected accounts, of these 0 are not excluded"),
        (
            including(kinds(&[], &[], &[], &["env=production"])),
            "6 are active and not left out, of these 0 have a selected tag; there are env=dev, env=prod, env=shared",
        ),
        (including(kinds(&[], &[], &[], &["Env=prod"])), "of these 0 have a selected tag; none has a tag of that key"),
    ] {
        let error = select(&accounts, management_account(), &selection, &tags, None).unwrap_err().to_string();
        assert!(error.ends_with(says), "{error}\n{says}");
    }
}

#[test]
fn paths_of_names_become_ids() {
    let mut names = UnitNames::default();
    names.insert("r-ab".parse().unwrap(), None, "Root".to_owned());
    names.insert("ou-ab-one".parse().unwrap(), Some("r-ab".parse().unwrap()), "One".to_owned());
    let by_names = |text: &str| Criteria { ou_names: BTreeSet::from([text.parse().unwrap()]), ..Criteria::default() };
    let mut selection = Selection { include: by_names("Root"), exclude: by_names("Root/One"), ..Selection::default() };
    assert!(selection.needs_units() && selection.needs_whole_list());
    selection.resolve_ou_names(&names).unwrap();
    assert_eq!(targets(&selection), [1]);
    let mut wrong = Selection { exclude: by_names("Root/Two"), ..Selection::default() };
    assert_eq!(wrong.resolve_ou_names(&names).unwrap_err().near[0].1, "Root/One");
}

#[test]
fn accounts_that_joined_earlier_or_at_an_unknown_time_are_skipped() {
    let at = |seconds| Some(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
    let (mut accounts, tags) = organization();
    for (account, joined_at) in accounts.iter_mut().zip([at(99), at(100), at(101), None]) {
        account.joined_at = joined_at.map(Into::into);
    }
    let selection = Selection { joined_since: at(100), ..Selection::default() };
    let codes = accounts[..4].iter().map(|account| {
        reason_to_skip(account, management_account(), &selection, Some(&tags), None).map_or("", SkipReason::code)
    });
    assert_eq!(codes.collect::<Vec<_>>(), ["JoinedEarlier", "", "", "JoinTimeUnknown"]);
    assert_eq!(without_join_time(&accounts, &selection), accounts.len() - 3);
    assert_eq!(without_join_time(&accounts, &Selection::default()), 0);
    // No account has to have joined lately.
    let late = Selection { joined_since: at(1_000), ..Selection::default() };
    assert_eq!(select(&accounts, management_account(), &late, &tags, None).unwrap().targets.len(), 0);
}

//! The tally: how many accounts have which outcome.

use super::record::Outcome;

/// The number of accounts with each outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [usize; Outcome::ALL.len()],
}

impl Tally {
    /// Counts one more account.
    pub fn add(&mut self, outcome: Outcome) {
        self.counts[outcome as usize] += 1;
    }

    /// Counts several more accounts.
    pub fn add_several(&mut self, outcome: Outcome, accounts: usize) {
        self.counts[outcome as usize] += accounts;
    }

    /// Adds the counts of another tally.
    pub fn include(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// Returns how many accounts have this outcome.
    pub fn of(&self, outcome: Outcome) -> usize {
        self.counts[outcome as usize]
    }

    /// Returns how many accounts were counted.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Returns how many accounts failed or are unverified.
    pub fn errors(&self) -> usize {
        Outcome::ALL.into_iter().filter(|outcome| outcome.is_error()).map(|outcome| self.of(outcome)).sum()
    }

    /// Returns each outcome with its count, in the order of [`Outcome::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, usize)> + '_ {
        Outcome::ALL.into_iter().map(|outcome| (outcome, self.of(outcome)))
    }
}

impl FromIterator<Outcome> for Tally {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        let mut tally = Self::default();
        outcomes.into_iter().for_each(|outcome| tally.add(outcome));
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_counted() {
        let tally: Tally = Outcome::ALL.into_iter().flat_map(|outcome| [outcome, outcome]).collect();
        assert_eq!(tally.total(), 14);
        assert!(tally.iter().all(|(_, count)| count == 2));
        assert_eq!(tally.errors(), 4);
    }
}

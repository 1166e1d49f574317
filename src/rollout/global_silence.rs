//! Decides when a run stops asking a global STS endpoint that has never answered.
//!
//! A firewall can drop the packets to this endpoint alone. Each account that is only observed would then wait until its attempts time
//! out, for nothing.

use std::cell::Cell;

/// How many observations without an answer are enough, if there was no answer before. One or two can be chance.
pub(crate) const ENOUGH: u32 = 3;

/// The observations that got no answer from the global endpoint. All visits run on one thread.
#[derive(Debug, Default)]
pub(crate) struct GlobalSilence {
    silent: Cell<u32>,
    is_answered: Cell<bool>,
    is_reported: Cell<bool>,
}

impl GlobalSilence {
    /// There was an answer, even if it was a refusal.
    pub(super) fn answered(&self) {
        self.is_answered.set(true);
    }

    /// An observation ended without an answer.
    pub(super) fn unanswered(&self) {
        self.silent.set(self.silent.get().saturating_add(1));
    }

    /// Whether the endpoint is no longer asked about accounts that are only observed.
    pub(super) fn is_given_up(&self) -> bool {
        !self.is_answered.get() && self.silent.get() >= ENOUGH
    }

    /// Returns once whether the endpoint is no longer asked.
    pub(super) fn is_news(&self) -> bool {
        self.is_given_up() && !self.is_reported.replace(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_from_the_start_ends_the_observations() {
        let silence = GlobalSilence::default();
        let news: Vec<bool> = (0..5)
            .map(|_| {
                silence.unanswered();
                silence.is_news()
            })
            .collect();
        assert_eq!(news, [false, false, true, false, false]);
        assert!(silence.is_given_up());
        silence.answered();
        assert!(!silence.is_given_up(), "a visit that was in flight got an answer");

        let silence = GlobalSilence::default();
        silence.answered();
        (0..10).for_each(|_| silence.unanswered());
        assert!(!silence.is_given_up() && !silence.is_news());
    }
}

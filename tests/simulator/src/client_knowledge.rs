//! What a client can know about an account from the answers that it received: refused Sets, and what later reads showed.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Delivery};
use crate::request::{Call, Operation};
use crate::sigv4::Signable;
use crate::version::TokenVersion;
use crate::world::World;

/// What a client can know about an account from the complete answers that it received. If a Set was neither refused nor shown by
/// a read, only the service knows whether it took effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKnowledge {
    /// Set requests that were lost in the network before they reached the service. They do not count as received.
    pub sets_lost: u32,
    /// Set requests that were answered with a refusal, throttling included: the client knows that they had no effect.
    pub sets_refused: u32,
    /// Reads that were answered since the last Set was sent.
    pub reads_since_set: u32,
    /// Reads that showed the version of the last Set, counted since the first Set for this version was sent.
    pub reads_showing_wanted: u32,
}

impl ClientKnowledge {
    /// Whether the client sent a Set that was not answered with a refusal.
    #[must_use]
    pub const fn set_may_have_taken_effect(&self, sets_received: u32) -> bool {
        sets_received + self.sets_lost > self.sets_refused
    }
}

/// Tracks what a client can know.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KnowledgeTracker {
    pub knowledge: ClientKnowledge,
    asked_for: Option<TokenVersion>,
    shown: Option<Option<TokenVersion>>,
}

impl KnowledgeTracker {
    /// Notes that a Set for a version was sent.
    pub(crate) fn set_sent(&mut self, version: Option<TokenVersion>) {
        if self.asked_for != version {
            self.asked_for = version;
            self.knowledge.reads_showing_wanted = 0;
        }
        self.knowledge.reads_since_set = 0;
    }

    /// Notes what a read shows to the client if its answer arrives.
    pub(crate) const fn about_to_show(&mut self, version: Option<TokenVersion>) {
        self.shown = Some(version);
    }

    fn answered(&mut self, operation: Operation, answer: &Answer) {
        let shown = self.shown.take();
        if answer.delivery != Delivery::Whole {
            return;
        }
        match operation {
            Operation::SetSecurityTokenServicePreferences => {
                self.knowledge.sets_refused += u32::from((400..500).contains(&answer.status));
            }
            Operation::GetAccountSummary => {
                if let Some(version) = shown {
                    self.knowledge.reads_since_set += 1;
                    self.knowledge.reads_showing_wanted +=
                        u32::from(self.asked_for.is_some() && version == self.asked_for);
                }
            }
            _ => {}
        }
    }
}

impl World {
    /// Updates the client's knowledge of an account after an answer.
    pub(crate) fn update_knowledge(&mut self, index: Option<u32>, operation: Operation, answer: &Answer) {
        if let Some(index) = index {
            self.at(index).history.tracker.answered(operation, answer);
        }
    }

    /// Counts a request that was lost in the network before it reached a service.
    pub(crate) fn count_lost(&mut self, call: &Call, signable: &Signable<'_>, fault: &'static str) {
        self.note(fault);
        if call.operation != Some(Operation::SetSecurityTokenServicePreferences) {
            return;
        }
        if let Ok(caller) = self.authenticate(call.service, signable) {
            let version = call.params.text("GlobalEndpointTokenVersion").and_then(TokenVersion::from_wire);
            let tracker = &mut self.at(caller.principal.account).history.tracker;
            tracker.knowledge.sets_lost += 1;
            tracker.set_sent(version);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer;

    const SET: Operation = Operation::SetSecurityTokenServicePreferences;

    fn answer(status: u16, delivery: Delivery) -> Answer {
        Answer { status, ..answer::silence(delivery) }
    }

    #[test]
    fn only_complete_answers_count() {
        let mut tracker = KnowledgeTracker::default();
        let read = |tracker: &mut KnowledgeTracker, version, delivery| {
            tracker.about_to_show(version);
            tracker.answered(Operation::GetAccountSummary, &answer(200, delivery));
        };
        read(&mut tracker, Some(TokenVersion::V2), Delivery::Whole);
        assert_eq!(tracker.knowledge.reads_showing_wanted, 0, "nothing was requested yet");
        tracker.set_sent(Some(TokenVersion::V2));
        for (status, delivery, refused) in [
            (500, Delivery::Whole, 0),
            (200, Delivery::Close, 0),
            (400, Delivery::Truncated, 0),
            (400, Delivery::Whole, 1),
        ] {
            tracker.answered(SET, &answer(status, delivery));
            assert_eq!(tracker.knowledge.sets_refused, refused, "{status} {delivery:?}");
        }
        assert!(tracker.knowledge.set_may_have_taken_effect(4) && !tracker.knowledge.set_may_have_taken_effect(1));
        read(&mut tracker, Some(TokenVersion::V1), Delivery::Whole);
        read(&mut tracker, Some(TokenVersion::V2), Delivery::Reset);
        read(&mut tracker, None, Delivery::Whole);
        assert_eq!((tracker.knowledge.reads_since_set, tracker.knowledge.reads_showing_wanted), (2, 0));
        read(&mut tracker, Some(TokenVersion::V2), Delivery::Whole);
        tracker.set_sent(Some(TokenVersion::V2));
        assert_eq!(
            (tracker.knowledge.reads_since_set, tracker.knowledge.reads_showing_wanted),
            (0, 1),
            "an earlier read has shown it"
        );
        tracker.set_sent(Some(TokenVersion::V1));
        assert_eq!(tracker.knowledge.reads_showing_wanted, 0);
        // An answer that the service did not make shows nothing.
        tracker.answered(Operation::GetAccountSummary, &answer(200, Delivery::Whole));
        assert_eq!(tracker.knowledge.reads_since_set, 0);
    }
}

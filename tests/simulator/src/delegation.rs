//! The Organizations operations `ListTagsForResource` and `ListDelegatedAdministrators`.

use serde_json::{Value, json};

use crate::account_id::AccountId;
use crate::answer::ApiError;
use crate::dispatch::Context;
use crate::organizations::to_json;
use crate::paging::{self, Page};
use crate::world::World;

impl World {
    pub(crate) fn list_tags(&self, context: &Context<'_>) -> Result<String, ApiError> {
        let id = context.params.text("ResourceId").unwrap_or_default();
        let tags = match AccountId::parse(id).and_then(|id| self.index(id)) {
            Some(index) => self.account(index).tags.as_slice(),
            // Units and the root have no tags.
            None if self.tree.find(id).is_some() => &[],
            None => {
                return Err(ApiError::new(
                    400,
                    "TargetNotFoundException",
                    "You specified a target that doesn't exist.",
                ));
            }
        };
        let page = paging::requested(context.params, self.settings.seed)?;
        let (tags, next) = page.of(tags);
        let tags = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        Ok(self.json_page("Tags", tags, next))
    }

    pub(crate) fn list_delegated_administrators(&self, context: &Context<'_>) -> Result<String, ApiError> {
        let page = paging::requested(context.params, self.settings.seed)?;
        let (indexes, next) = page.of(&self.delegated);
        let administrators = indexes
            .iter()
            .map(|index| {
                let mut administrator: Value =
                    serde_json::from_str(&to_json(&self.listed(*index))).expect("an account was written as JSON");
                administrator["DelegationEnabledDate"] = 1_700_000_000.into();
                administrator
            })
            .collect();
        Ok(self.json_page("DelegatedAdministrators", administrators, next))
    }

    /// Returns a page of a list as JSON.
    pub(crate) fn json_page(&self, name: &str, entries: Vec<Value>, next: Option<Page>) -> String {
        let mut document = json!({ name: entries });
        if let Some(next) = next {
            document["NextToken"] = paging::token(next, self.settings.seed).into();
        }
        document.to_string()
    }
}

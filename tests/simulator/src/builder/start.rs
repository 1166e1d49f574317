//! Starts an organization: makes the accounts and the world that a builder describes.

use std::io;

use super::Builder;
use crate::account::SimulatedAccount;
use crate::account_id::AccountId;
use crate::account_names::HOSTILE_NAMES;
use crate::mfa::Device;
use crate::organization::Organization;
use crate::permissions::Permissions;
use crate::populate;
use crate::secrets::mix;
use crate::traffic::Clients;
use crate::tree::Tree;
use crate::vault::Vault;
use crate::world::{Caller, Settings, World};

impl Builder {
    /// Starts the organization.
    ///
    /// # Panics
    /// If the port is not free, or an account that is to be changed does not exist.
    #[must_use = "the organization stops when the handle is dropped"]
    pub fn start(self) -> Organization {
        self.try_start().expect("a loopback port is free and a thread can be started")
    }

    /// Starts the organization, or returns why the server can't run.
    ///
    /// # Errors
    /// If the port is not free, or the system has no threads or files left.
    ///
    /// # Panics
    /// If an account that is to be changed or the caller's account does not exist, or if the partition does not have the region
    /// or the endpoint.
    pub fn try_start(mut self) -> io::Result<Organization> {
        let accounts = self.populate();
        let find = |id: AccountId| {
            populate::index_of(id, accounts.len()).unwrap_or_else(|| panic!("there is no account {id}"))
        };
        let caller_index = match self.caller {
            Caller::Management => populate::management_index(accounts.len()),
            Caller::DelegatedAdministrator(id) | Caller::Member(id) => find(id),
        };
        let caller_index = u32::try_from(caller_index).expect("an organization has at most 50,000 accounts");
        let mut vault = Vault::new(self.seed, caller_index, self.base_session, self.base_expires_after);
        vault.root_user = self.root_user;
        let region = self.region.unwrap_or_else(|| self.partition.default_region().to_owned());
        assert!(self.partition.has(&region), "{region} is no region of {}", self.partition.name);
        assert!(
            self.issuance_lag.is_none() || self.partition.has_global_sts(),
            "{} has no global STS endpoint",
            self.partition.name
        );
        let mut sts_regions = vec![region.clone()];
        sts_regions.append(&mut self.more_sts_regions);
        let settings = Settings {
            partition: self.partition,
            sts_regions,
            opt_in_regions: self.opt_in_regions,
            issuance_lag: self.issuance_lag,
            token_sizes: self.token_sizes,
            token_jitter: self.token_jitter,
            deciding_account: self.deciding_account,
            caller: self.caller,
            verify: self.verify,
            strict_signing_regions: self.strict_signing_regions,
            root_access: self.root_access,
            organizations_need_mfa: self.organizations_need_mfa,
            shuffled_listing: self.realistic,
            seed: self.seed,
        };
        let mut tree = Tree::new(self.seed);
        for [id, name, parent] in &self.units {
            tree.add(id, name, parent);
        }
        let mut world = World::new(settings, tree, accounts, vault);
        if let Caller::DelegatedAdministrator(id) = self.caller {
            self.delegated.insert(0, id);
        }
        self.delegated.dedup();
        world.delegated = self
            .delegated
            .into_iter()
            .map(|id| world.index(id).unwrap_or_else(|| panic!("there is no account {id}")))
            .collect();
        world.mfa = self.mfa_codes.map(Device::new);
        world.caller_policy = self.caller_policy.as_deref().map(Permissions::read);
        if let Some(traffic) = self.traffic {
            world.traffic =
                Some(Clients::new(traffic, self.partition.name, &world.accounts, world.epoch() + self.clock_offset));
        }
        world.limit_lookups(self.lookup_limit);
        world.account_management = self.account_management;
        world.latency = self.latency;
        world.listing = self.listing;
        world.troubleshooter = self.troubleshooter;
        world.spoiled = self.spoiled;
        world.network = self.network;
        world.set_clock_offset(self.clock_offset);
        for noise in self.noise {
            world.add_noise(noise);
        }
        for (scope, limit) in self.limits {
            world.throttle(scope, limit);
        }
        Organization::run(world, region, self.port, self.log)
    }

    fn populate(&mut self) -> Vec<SimulatedAccount> {
        let mut dice = fastrand::Rng::with_seed(self.seed);
        let mut accounts = populate::accounts(self.accounts, self.mix, self.realistic, &mut dice);
        if self.hostile_names {
            let management = populate::management_index(accounts.len());
            let members = accounts.iter_mut().enumerate().filter(|(index, _)| *index != management);
            for ((_, account), name) in members.zip(HOSTILE_NAMES) {
                (*name).clone_into(&mut account.name);
            }
        }
        if let Some(traffic) = self.traffic {
            for account in &mut accounts {
                if mix(traffic.seed ^ mix(account.id().number())).is_multiple_of(5) {
                    account.enabled_regions = vec!["af-south-1".to_owned()];
                }
            }
        }
        for (id, change) in &mut self.changes {
            match id {
                None => accounts.iter_mut().for_each(change),
                Some(id) => {
                    let index =
                        populate::index_of(*id, accounts.len()).unwrap_or_else(|| panic!("there is no account {id}"));
                    change(&mut accounts[index]);
                }
            }
        }
        accounts
    }
}

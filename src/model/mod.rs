//! The traffic model: what a configuration means, whatever proxy it was written for.
//!
//! Plain data. It knows no format and imports nothing of ours but [`crate::span`]. A format *lowers* its own selection order to ordered [`Table`]s
//! (first match wins); nothing downstream knows which proxy it was.

#![forbid(unsafe_code)]

mod condition;
mod gateway;
mod inventory;
mod outcome;
mod pool;
mod problem;
mod request;
mod table;
mod value;

pub use condition::{Condition, Matcher, NumberRange, Opaque, Regex, RegexDialect, Test};
pub use gateway::{Certificate, Gateway, HostPattern, ListenAddress, Listener, Normalization, Protocol, Tls, VirtualHost};
pub use inventory::{CertificateFact, Cidr, Claim, Coverage, Existence, Inventory, InventoryHost, LoadFact, LoadSubject, Quantity, Range, Service};
pub use outcome::{Forward, Outcome, Retry, StatusHandler, Target, TimeoutLines, Timeouts, UpstreamUri};
pub use pool::{Address, Balancing, Ejection, HealthCheck, Host, Member, MemberState, Pool, PoolId};
pub use problem::{Fix, Input, Problem, ProblemKind, Related, Role, Unknown};
pub use request::{BadRequest, Request, Scheme};
pub use table::{Action, Label, Limit, LimitKind, Next, QueryEdit, Route, Step, Table, TableId, TableKind};
pub use value::{Arithmetic, Capture, Converted, Converter, Field, Lookup, LookupEntry, Name, Normalizer, Part, Value};

/// Everything the files of one tree say.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The proxies found, in the order of their entry files.
    pub gateways: Vec<Gateway>,
    /// What exists, and who is allowed to say so.
    pub inventory: Inventory,
    /// What is wrong with the files themselves, in file order.
    pub problems: Vec<Problem>,
    /// What was not understood, once each, in file order.
    pub unknown: Vec<Unknown>,
    /// Every file that was read, sorted by path, once each.
    pub inputs: Vec<Input>,
}

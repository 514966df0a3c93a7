//! HAProxy: text -> lines and sections -> traffic model. `README.md` beside this file has the order of choice and the known gaps.

mod syntax;

use crate::model::Model;
use crate::snapshot::Snapshot;

/// Reads every HAProxy configuration of `snapshot` into `model`.
pub(super) fn read(_snapshot: &Snapshot, _model: &mut Model) {}

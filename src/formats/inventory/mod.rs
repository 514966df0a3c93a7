//! What exists: Ansible inventories, hosts files, zone files.

use crate::model::Model;
use crate::snapshot::Snapshot;

/// Adds the hosts of every inventory of the tree, and what each may speak for.
pub fn read(_snapshot: &Snapshot, _model: &mut Model) {}

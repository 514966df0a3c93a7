//! Lines and sections -> traffic model.

use super::files::Files;
use super::syntax::Config;
use crate::model::Model;

/// Adds the gateway that `config` is to `model`.
pub(super) fn lower(_config: &Config, _files: &mut Files<'_>, _model: &mut Model) {}

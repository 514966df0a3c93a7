//! Tree -> model. Precedence is computed here and nowhere else.

use super::Config;
use crate::model::Model;

/// Adds the gateway that `config` is to `model`.
pub(super) fn lower(_config: &Config, _model: &mut Model) {}

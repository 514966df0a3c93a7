//! Languages against what matches texts one at a time: our own matcher, and the real nginx.

mod agreement;
mod conversions;
mod generate;
mod limits;
mod matchers;
mod real;

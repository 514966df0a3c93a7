//! The walls of the house: which room may know which.

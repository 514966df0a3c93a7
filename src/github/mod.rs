//! GitHub: authentication, API, webhook types, publishing, slash commands.

#![forbid(unsafe_code)]
